import BitAllocation
import Quantization

/// Allocations to choose from: for every table of damage the one of least predicted damage, and
/// those that leave out the narrowest widths, down to the uniform plan of the same size.
enum PlanCandidates {
  /// Different allocations, the freest of the first table first. Throws where there is none.
  static func make(
    bits: [Int], tables: [SensitivityTable],
    allocate: (SensitivityTable, [Int]) throws -> BitPlan
  ) throws -> [BitPlan] {
    let sorted = bits.sorted()
    var plans: [BitPlan] = []
    for table in tables {
      for lowest in sorted.indices {
        let widths = Array(sorted[lowest...])
        guard lowest > 0 else {
          add(try allocate(table, widths), to: &plans)
          continue
        }
        // The wider the narrowest width, the larger the plan: the first that does not fit ends it.
        guard let plan = try? allocate(table, widths) else { break }
        add(plan, to: &plans)
      }
    }
    return plans
  }

  private static func add(_ plan: BitPlan, to plans: inout [BitPlan]) {
    if !plans.contains(where: { $0.bits == plan.bits }) { plans.append(plan) }
  }
}
