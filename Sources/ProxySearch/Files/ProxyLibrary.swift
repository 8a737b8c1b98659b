/// The proxies that ship with the tool: the `.tap` files of `Proxies/`, within the binary.
public enum ProxyLibrary {
  private static let files: [[UInt8]] = [
    PackageResources.aptq_tap,
    PackageResources.auto_prox_tap,
    PackageResources.bops_tap,
    PackageResources.bparams_tap,
    PackageResources.cmpq_tap,
    PackageResources.cptquant_cmpq_tap,
    PackageResources.cptquant_pmpq_tap,
    PackageResources.cptquant_tdmpq_tap,
    PackageResources.emq_tap,
    PackageResources.fisher_tap,
    PackageResources.fisher_weighted_mse_tap,
    PackageResources.fit_tap,
    PackageResources.hawq_tap,
    PackageResources.hawq_bits_tap,
    PackageResources.hawq_v2_tap,
    PackageResources.hawq_v2_bits_tap,
    PackageResources.input_weighted_mse_tap,
    PackageResources.kl_tap,
    PackageResources.llm_mq_tap,
    PackageResources.measured_tap,
    PackageResources.measured_blend_tap,
    PackageResources.measured_smooth_tap,
    PackageResources.measured_together_tap,
    PackageResources.modelopt_gradient_tap,
    PackageResources.mse_tap,
    PackageResources.mse_per_weight_tap,
    PackageResources.ompq_tap,
    PackageResources.orm_tap,
    PackageResources.output_mse_tap,
    PackageResources.qe_tap,
    PackageResources.relative_mse_tap,
    PackageResources.relative_output_mse_tap,
    PackageResources.relative_output_mse_gptq_tap,
    PackageResources.searched_tap,
    PackageResources.snip_tap,
    PackageResources.sqnr_tap,
    PackageResources.step_size_tap,
    PackageResources.sum_bits_tap,
    PackageResources.synflow_tap,
    PackageResources.taylor_tap,
  ]

  /// All that ship, by name.
  public static func all() throws(ProxyError) -> [Proxy] {
    var proxies: [Proxy] = []
    for file in files {
      proxies.append(try ProxyFile.parse(String(decoding: file, as: UTF8.self), path: "shipped"))
    }
    return proxies.sorted { $0.name < $1.name }
  }

  /// What decides without another choice: three readings of what was measured, the first of them
  /// corrected by random plans.
  public static func standard() throws(ProxyError) -> [Proxy] {
    [try proxy("measured-together"), try proxy("measured"), try proxy("measured-smooth")]
  }

  /// A file where `name` has a slash or ends in `.tap`, else one that ships.
  public static func proxy(_ name: String) throws(ProxyError) -> Proxy {
    if name.contains("/") || name.hasSuffix(".tap") { return try ProxyFile.read(path: name) }
    let all = try all()
    guard let proxy = all.first(where: { $0.name == name }) else {
      throw .unknownName(name, known: all.map(\.name))
    }
    return proxy
  }
}
