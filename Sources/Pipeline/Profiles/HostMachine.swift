import Foundation

/// What the system says of the processor that this runs on.
enum HostMachine {
  static var cores: Int { ProcessInfo.processInfo.activeProcessorCount }

  /// Bytes of a core's second-level cache; nil where the system does not say.
  static var cacheBytes: Int? {
    let bytes = sysconf(Int32(_SC_LEVEL2_CACHE_SIZE))
    return bytes > 0 ? bytes : nil
  }

  /// Its name as the system gives it, and what tells generations of one name apart.
  static var processor: String {
    let name = field("model name") ?? "unknown processor"
    guard let family = field("cpu family"), let model = field("model\t") else { return name }
    return "\(name), family \(family), model \(model)"
  }

  /// Hertz; 1 GHz where the system does not say.
  static var clock: Double {
    field("cpu MHz").flatMap(Double.init).map { ($0 * 1e6).rounded() } ?? 1e9
  }

  private static func field(_ name: String) -> String? {
    let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
    let line = text?.split(separator: "\n").first { $0.hasPrefix(name) }
    return line?.split(separator: ":", maxSplits: 1).last.map {
      $0.trimmingCharacters(in: .whitespaces)
    }
  }
}
