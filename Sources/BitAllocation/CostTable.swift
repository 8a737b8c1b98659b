public import Quantization

/// What every layer costs at every precision, in exact integers, for each of several resources.
public struct CostTable: Sendable, Codable, Equatable {
  public struct Layer: Sendable, Codable, Equatable {
    public var name: String
    /// By the precisions that the layer may take: one cost for each resource.
    public var costs: [Precision: [Int]]

    public init(name: String, costs: [Precision: [Int]]) {
      self.name = name
      self.costs = costs
    }

    /// By weight bits, with inputs of 8 bits.
    public init(name: String, costs: [Int: [Int]]) {
      self.init(
        name: name,
        costs: Dictionary(
          uniqueKeysWithValues: costs.map { (Precision(weightBits: $0.key), $0.value) }))
    }
  }

  /// Names of the resources, in the order of the costs.
  public var resources: [String]
  /// What is spent whatever the widths are.
  public var fixed: [Int]
  public var layers: [Layer]

  public init(resources: [String], fixed: [Int]? = nil, layers: [Layer]) {
    self.resources = resources
    self.fixed = fixed ?? Array(repeating: 0, count: resources.count)
    self.layers = layers
  }
}

/// The limits that an allocation must keep, all of them.
public struct Budget: Sendable, Codable, Equatable {
  public struct Limit: Sendable, Codable, Equatable {
    public var resource: String
    /// The largest allowed total, `CostTable.fixed` included.
    public var maximum: Int
    /// How messages print totals: divided by `divisor`, followed by `unit`.
    public var unit: String
    public var divisor: Double

    public init(resource: String, maximum: Int, unit: String = "", divisor: Double = 1) {
      self.resource = resource
      self.maximum = maximum
      self.unit = unit
      self.divisor = divisor
    }
  }

  public var limits: [Limit]

  public init(limits: [Limit]) { self.limits = limits }
}
