import Foundation

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// One HTTP exchange that ends in bounded time and memory and follows no redirection, which would
/// carry the key elsewhere.
final class Transfer: NSObject, URLSessionDataDelegate, @unchecked Sendable {
  static let largestReply = 4 << 20

  struct Response {
    var status: Int
    var retryAfter: String?
    var body: Data
  }

  private let lock = NSLock()
  private let done = DispatchSemaphore(value: 0)
  private var body = Data()
  private var failure: String?
  private var response: HTTPURLResponse?

  /// The response, or in words why there is none.
  static func run(_ request: URLRequest, timeout: Double) -> Result<Response, TransferFailure> {
    let transfer = Transfer()
    let configuration = URLSessionConfiguration.ephemeral
    configuration.timeoutIntervalForRequest = timeout
    configuration.timeoutIntervalForResource = timeout
    let session = URLSession(
      configuration: configuration, delegate: transfer, delegateQueue: nil)
    defer { session.invalidateAndCancel() }
    let task = session.dataTask(with: request)
    task.resume()
    // A server that dribbles bytes keeps the session's own clock from running out.
    guard transfer.done.wait(timeout: .now() + timeout) == .success else {
      task.cancel()
      return .failure(TransferFailure(reason: "no reply within \(timeout) s"))
    }
    return transfer.lock.withLock {
      if let failure = transfer.failure { return .failure(TransferFailure(reason: failure)) }
      guard let response = transfer.response else {
        return .failure(TransferFailure(reason: "the answer is not HTTP"))
      }
      return .success(
        Response(
          status: response.statusCode,
          retryAfter: response.value(forHTTPHeaderField: "Retry-After"), body: transfer.body))
    }
  }

  func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
    lock.withLock {
      body.append(data)
      guard body.count > Self.largestReply, failure == nil else { return }
      failure = "the reply is larger than \(Self.largestReply) bytes"
      dataTask.cancel()
    }
  }

  func urlSession(
    _ session: URLSession, task: URLSessionTask,
    willPerformHTTPRedirection response: HTTPURLResponse, newRequest request: URLRequest,
    completionHandler: @escaping (URLRequest?) -> Void
  ) {
    completionHandler(nil)
  }

  func urlSession(
    _ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?
  ) {
    lock.withLock {
      response = task.response as? HTTPURLResponse
      if failure == nil, let error {
        failure = (error as? URLError).map(Self.words) ?? error.localizedDescription
      }
    }
    done.signal()
  }

  private static func words(_ error: URLError) -> String {
    switch error.code {
    case .timedOut: "no reply in time"
    case .cannotConnectToHost, .cannotFindHost: "it cannot be reached"
    case .networkConnectionLost: "the connection was lost"
    default: "the connection failed (\(error.code.rawValue))"
    }
  }
}

struct TransferFailure: Error {
  var reason: String
}
