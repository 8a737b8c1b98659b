import FloatRuntime
import GraphIR
import IntegerRuntime
import Lowering
import Quantization

/// An error inside a model, which names node and value, with the file that holds the model.
public struct ModelError: Error, CustomStringConvertible {
  public let path: String
  public let underlying: any Error

  public var description: String { "\(path): \(underlying)" }

  /// Runs `body`; errors that speak of nodes and values alone get the file's name in front.
  static func naming<Result>(_ path: String, _ body: () throws -> Result) throws -> Result {
    do {
      return try body()
    } catch let error
      where error is GraphError || error is RuntimeError || error is QuantizationError
      || error is LoweringError || error is IntegerError
    {
      throw ModelError(path: path, underlying: error)
    }
  }
}
