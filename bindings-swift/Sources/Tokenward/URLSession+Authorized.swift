import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

extension URLSession {
    /// Sends the request with a token of the source, and once more with a newer one if it is answered 401.
    ///
    /// It is repeated only if there is a newer token, its body can be sent again (`httpBody`, not `httpBodyStream`), and
    /// it was the request's own origin that refused it. The token goes along to no other origin when redirected.
    public func data(for request: URLRequest, authorizedBy source: TokenSource) async throws -> (Data, URLResponse) {
        let token = try await source.getToken()
        let answer = try await send(request, token)
        guard answer.1.refuses(request) else { return answer }
        source.reportRefused(token)
        guard request.httpBodyStream == nil else { return answer }
        // A refusal of a token that is still the current one is about something else.
        guard let newer = try? await source.getToken(), newer != token else { return answer }
        return try await send(request, newer)
    }

    private func send(_ request: URLRequest, _ token: AccessToken) async throws -> (Data, URLResponse) {
        var authorized = request
        authorized.setValue(token.authorization(), forHTTPHeaderField: "Authorization")
        #if canImport(FoundationNetworking)
        return try await Redirected.data(for: authorized, in: configuration)
        #else
        return try await data(for: authorized, delegate: Origin())
        #endif
    }
}

extension URLRequest {
    /// Returns this request, to which a server leads, with the token of the first one if that went to the same origin.
    fileprivate func following(_ first: URLRequest?) -> URLRequest {
        let isOurs = first?.url.flatMap { first in url.map { $0.isSameOrigin(as: first) } } == true
        var next = self
        next.setValue(isOurs ? first?.value(forHTTPHeaderField: "Authorization") : nil, forHTTPHeaderField: "Authorization")
        return next
    }
}

#if !canImport(FoundationNetworking)
/// Keeps the token at the origin for which it was asked.
private final class Origin: NSObject, URLSessionTaskDelegate, Sendable {
    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        completionHandler(request.following(task.originalRequest))
    }
}
#else
/// FoundationNetworking asks only the delegate of a session about redirects, and else takes the token along to anywhere:
/// the request has a session of its own, with the caller's configuration.
private final class Redirected: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    private let reply: CheckedContinuation<(Data, URLResponse), any Error>
    private var body = Data()

    static func data(for request: URLRequest, in configuration: URLSessionConfiguration) async throws -> (Data, URLResponse) {
        let cancel = Cancel()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { reply in
                let session = URLSession(configuration: configuration, delegate: Redirected(reply), delegateQueue: nil)
                let task = session.dataTask(with: request)
                cancel.begin(task)
                session.finishTasksAndInvalidate()
            }
        } onCancel: {
            cancel.cancel()
        }
    }

    private init(_ reply: CheckedContinuation<(Data, URLResponse), any Error>) {
        self.reply = reply
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        completionHandler(request.following(task.originalRequest))
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
    ) {
        completionHandler(.allow)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        body.append(data)
    }

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        if let response = task.response, error == nil {
            reply.resume(returning: (body, response))
        } else {
            reply.resume(throwing: error ?? URLError(.badServerResponse))
        }
    }
}

/// Cancels a task, also one that begins later.
private final class Cancel: @unchecked Sendable {
    private let lock = NSLock()
    private var task: URLSessionTask?
    private var isCancelled = false

    func begin(_ task: URLSessionTask) {
        let isCancelled = lock.withLock {
            self.task = task
            return self.isCancelled
        }
        task.resume()
        if isCancelled { task.cancel() }
    }

    func cancel() {
        let task = lock.withLock {
            isCancelled = true
            return self.task
        }
        task?.cancel()
    }
}
#endif

extension URLResponse {
    /// Whether the request's own origin refuses its token. `insufficient_scope` is no reason for a new one, whatever the
    /// status (RFC 6750 section 3.1).
    fileprivate func refuses(_ request: URLRequest) -> Bool {
        guard let answer = self as? HTTPURLResponse, answer.statusCode == 401, let asked = request.url else { return false }
        let challenge = answer.value(forHTTPHeaderField: "WWW-Authenticate") ?? ""
        return answer.url?.isSameOrigin(as: asked) == true
            && challenge.range(of: "error=\"?insufficient_scope", options: [.regularExpression, .caseInsensitive]) == nil
    }
}

extension URL {
    fileprivate func isSameOrigin(as other: URL) -> Bool {
        scheme?.lowercased() == other.scheme?.lowercased() && host?.lowercased() == other.host?.lowercased()
            && effectivePort == other.effectivePort
    }

    private var effectivePort: Int? {
        port ?? ["http": 80, "https": 443][scheme?.lowercased() ?? ""]
    }
}
