import Foundation

/// How long to wait before asking again: exponential, with jitter that a seed fixes.
public struct RetrySchedule: Sendable {
  public var attempts: Int
  /// Seconds before the second attempt, on average.
  public var firstDelay: Double
  public var longestDelay: Double
  private var state: UInt64

  public init(attempts: Int = 5, firstDelay: Double = 1, longestDelay: Double = 60, seed: UInt64) {
    self.attempts = attempts
    self.firstDelay = firstDelay
    self.longestDelay = longestDelay
    state = seed
  }

  /// Seconds to wait after the attempt of that number, counted from 0. What the server asks for
  /// is the least.
  public mutating func delay(after attempt: Int, retryAfter: Double?) -> Double {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = (state ^ (state >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    z ^= z >> 31
    let jitter = 0.5 + Double(z >> 11) / Double(1 << 53)
    let own = firstDelay * pow(2, Double(min(attempt, 30))) * jitter
    return min(max(own, retryAfter ?? 0), longestDelay)
  }

  /// `Retry-After`: seconds, or a date of HTTP. Nil where it is neither.
  public static func seconds(_ text: String, now: Date) -> Double? {
    let text = text.trimmingCharacters(in: .whitespaces)
    if let seconds = Double(text), seconds.isFinite { return max(seconds, 0) }
    let formatter = DateFormatter()
    formatter.locale = Locale(identifier: "en_US_POSIX")
    formatter.timeZone = TimeZone(identifier: "GMT")
    formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss zzz"
    return formatter.date(from: text).map { max($0.timeIntervalSince(now), 0) }
  }
}
