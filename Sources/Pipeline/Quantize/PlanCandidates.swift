import BitAllocation
import Quantization

/// Allocations to choose from: for every table of damage the one of least predicted damage, and
/// those that leave out the narrowest widths of weights or activations, down to the uniform plan of
/// the same size; where channels have groups, those of least damage that have none, too.
enum PlanCandidates {
  /// Different allocations, the freest of the first table first. Throws where there is none.
  /// `allocate` is given the least widths.
  static func make(
    _ precisions: [Precision], tables: [SensitivityTable],
    ofWholeLayers whole: ((SensitivityTable) throws -> BitPlan)? = nil,
    allocate: (SensitivityTable, Precision) throws -> BitPlan
  ) throws -> [BitPlan] {
    var plans: [BitPlan] = []
    for table in tables {
      for (first, activations) in precisions.activationBits.enumerated() {
        for (second, weights) in precisions.weightBits.enumerated() {
          let least = Precision(weightBits: weights, activationBits: activations)
          guard first + second > 0 else {
            add(try allocate(table, least), to: &plans)
            continue
          }
          // The wider the narrowest width, the larger the plan: the first that does not fit ends it.
          guard let plan = try? allocate(table, least) else { break }
          add(plan, to: &plans)
        }
      }
      if let whole { add(try whole(table), to: &plans) }
    }
    return plans
  }

  private static func add(_ plan: BitPlan, to plans: inout [BitPlan]) {
    if !plans.contains(where: { $0.precisions == plan.precisions }) { plans.append(plan) }
  }
}
