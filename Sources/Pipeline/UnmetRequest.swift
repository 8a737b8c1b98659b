import FloatRuntime

/// Marks errors that say: the input is fine, but what is asked of it cannot be done. Commands end
/// with code 1 for these, with 2 for all others.
public protocol UnmetRequestError: Error {}

public enum UnmetRequest {
  public static func isOne(_ error: any Error) -> Bool {
    if let error = error as? ModelError { return isOne(error.underlying) }
    if error is any UnmetRequestError { return true }
    if case RuntimeError.unsupportedOperators = error { return true }
    return false
  }
}
