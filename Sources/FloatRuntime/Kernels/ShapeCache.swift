import Synchronization

/// The last value that was made for a key, so that runs on inputs of one shape plan once.
final class ShapeCache<Key: Equatable & Sendable, Value: Sendable>: Sendable {
  private let last = Mutex<(key: Key, value: Value)?>(nil)

  func value(for key: Key, make: () throws -> Value) rethrows -> Value {
    if let found = last.withLock({ $0?.key == key ? $0?.value : nil }) { return found }
    let made = try make()
    last.withLock { $0 = (key, made) }
    return made
  }
}
