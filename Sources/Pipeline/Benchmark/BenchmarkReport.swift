/// The speed of a model with one number of threads.
public struct BenchmarkReport: Sendable, Codable, Equatable {
  public struct Layer: Sendable, Codable, Equatable {
    public var name: String
    public var kernel: String
    /// Median over the profiled runs.
    public var us: Double
    /// Billions of operations a second, two for each multiplication with addition; absent for
    /// nodes that have none.
    public var gops: Double?
    /// What the profile predicts; absent without one.
    public var predictedMicroseconds: Double?

    private enum CodingKeys: String, CodingKey {
      case name, kernel, us, gops
      case predictedMicroseconds = "predicted_us"
    }
  }

  public var engine: String
  public var threads: Int
  public var medianMilliseconds: Double
  public var minMilliseconds: Double
  public var p95Milliseconds: Double
  public var weightBytes: Int
  /// Bytes of the values that are alive at once.
  public var arenaBytes: Int
  public var isa: String
  /// The share of all multiply-accumulates that integer kernels do.
  public var integerShare: Double
  /// What one core can do at most, in GOPS; nil where it is not known.
  public var peakGOPS: Double?
  /// What the profile predicts; absent without one.
  public var predictedMilliseconds: Double?
  public var layers: [Layer]

  private enum CodingKeys: String, CodingKey {
    case engine, threads, isa, layers
    case medianMilliseconds = "median_ms"
    case minMilliseconds = "min_ms"
    case p95Milliseconds = "p95_ms"
    case weightBytes = "weight_bytes"
    case arenaBytes = "arena_bytes"
    case integerShare = "integer_share"
    case peakGOPS = "peak_gops"
    case predictedMilliseconds = "predicted_latency_ms"
  }
}
