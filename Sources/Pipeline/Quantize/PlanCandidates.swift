import BitAllocation
import Quantization

/// Allocations to choose from: the one of least predicted damage, and those that leave out the
/// narrowest widths, down to the uniform plan of the same size.
enum PlanCandidates {
  /// Different allocations, the freest first. Throws where there is none.
  static func make(
    bits: [Int], sensitivities: SensitivityTable,
    allocate: (SensitivityTable, [Int]) throws -> BitPlan
  ) throws -> [BitPlan] {
    let sorted = bits.sorted()
    var plans = [try allocate(sensitivities, sorted)]
    for lowest in sorted.indices.dropFirst() {
      let widths = Array(sorted[lowest...])
      // The wider the narrowest width, the larger the plan: the first that does not fit ends it.
      guard let plan = try? allocate(sensitivities, widths) else { break }
      if !plans.contains(where: { $0.bits == plan.bits }) { plans.append(plan) }
    }
    return plans
  }
}
