/// Why a data file could not be read or written; every case names the file.
public enum TensorFileError: Error, Equatable, Sendable {
  case cannotOpen(path: String, reason: String)
  case unknownFormat(path: String, expected: String)
  case damaged(path: String, problem: String)
  case unsupported(path: String, problem: String)
  case cannotWrite(path: String, reason: String)
  case exists(path: String)
}

extension TensorFileError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .cannotOpen(let path, let reason): "\(path) cannot be read: \(reason)"
    case .unknownFormat(let path, let expected): "\(path) is not \(expected)"
    case .damaged(let path, let problem): "\(path) is damaged: \(problem)"
    case .unsupported(let path, let problem): "\(path) cannot be used: \(problem)"
    case .cannotWrite(let path, let reason): "\(path) cannot be written: \(reason)"
    case .exists(let path): "\(path) exists already; --overwrite replaces it"
    }
  }
}
