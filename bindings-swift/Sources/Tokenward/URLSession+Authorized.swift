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
        return try await data(for: authorized, delegate: Origin(request.url))
    }
}

/// Keeps the token at the origin for which it was asked.
private final class Origin: NSObject, URLSessionTaskDelegate, Sendable {
    private let url: URL?

    init(_ url: URL?) {
        self.url = url
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        var next = request
        let isOurs = url.map { request.url?.isSameOrigin(as: $0) == true } == true
        let sent = isOurs ? task.originalRequest?.value(forHTTPHeaderField: "Authorization") : nil
        next.setValue(sent, forHTTPHeaderField: "Authorization")
        completionHandler(next)
    }
}

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
