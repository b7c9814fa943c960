import Foundation

#if canImport(FoundationNetworking)
import FoundationNetworking
#endif

/// Sends requests by URLSession: with the system's proxies and certificates, a session and a connection for each.
///
/// There is no time of its own for the connection, as URLSession has none: `timeout` is the time for all of it.
public struct URLSessionTransport: Transport {
    private let configure: @Sendable (URLSessionConfiguration) -> Void

    /// `configure` may change the configuration of each session, to set a proxy say.
    public init(configure: @escaping @Sendable (URLSessionConfiguration) -> Void = { _ in }) {
        self.configure = configure
    }

    /// Sends the request and waits for the answer.
    public func send(_ request: Machine.Request) async -> Machine.Outcome {
        guard let url = URL(string: request.url) else {
            return .misconfigured(setting: "token_url", detail: "not a URL")
        }
        var post = URLRequest(url: url)
        post.httpMethod = "POST"
        post.httpBody = request.body
        post.httpShouldHandleCookies = false
        post.cachePolicy = .reloadIgnoringLocalCacheData
        request.headers.forEach { post.setValue($1, forHTTPHeaderField: $0) }
        // What is compressed may be larger than what was counted.
        post.setValue("identity", forHTTPHeaderField: "accept-encoding")
        return await Exchange.outcome(of: post, in: configuration(timeout: request.timeout.inSeconds))
    }

    private func configuration(timeout: Double) -> URLSessionConfiguration {
        let configuration = URLSessionConfiguration.ephemeral
        configuration.timeoutIntervalForRequest = timeout
        configuration.timeoutIntervalForResource = timeout
        configuration.urlCache = nil
        configuration.urlCredentialStorage = nil
        configuration.httpCookieStorage = nil
        configuration.httpShouldSetCookies = false
        #if canImport(Darwin)
        // It is for the machine to wait.
        configuration.waitsForConnectivity = false
        #endif
        configure(configuration)
        return configuration
    }
}

/// One request on its way. The session calls it from one queue, one call after the other.
private final class Exchange: NSObject, URLSessionDataDelegate, @unchecked Sendable {
    private let reply: CheckedContinuation<Machine.Outcome, Never>
    private var response: HTTPURLResponse?
    private var body = Data()
    private var isFull = false
    /// Whether a byte of the request may have left; nil where the system does not tell.
    private var wasBegun: Bool?

    static func outcome(of request: URLRequest, in configuration: URLSessionConfiguration) async -> Machine.Outcome {
        await withCheckedContinuation { reply in
            let session = URLSession(configuration: configuration, delegate: Exchange(reply), delegateQueue: nil)
            session.dataTask(with: request).resume()
            session.finishTasksAndInvalidate()
        }
    }

    private init(_ reply: CheckedContinuation<Machine.Outcome, Never>) {
        self.reply = reply
    }

    func urlSession(
        _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
        newRequest request: URLRequest, completionHandler: @escaping @Sendable (URLRequest?) -> Void
    ) {
        // A token request goes nowhere else: the redirect is the answer.
        self.response = response
        completionHandler(nil)
    }

    func urlSession(
        _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
        completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
    ) {
        self.response = response as? HTTPURLResponse
        completionHandler(.allow)
    }

    func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
        body.append(data.prefix(Machine.Request.maxBody - body.count))
        if body.count == Machine.Request.maxBody, !isFull {
            isFull = true
            dataTask.cancel()
        }
    }

    #if canImport(Darwin)
    func urlSession(_ session: URLSession, task: URLSessionTask, didFinishCollecting metrics: URLSessionTaskMetrics) {
        wasBegun = metrics.transactionMetrics.contains { $0.requestStartDate != nil }
    }
    #endif

    func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
        if let response, error == nil || isFull {
            reply.resume(returning: .response(Machine.Response(response, body)))
        } else {
            reply.resume(returning: .fault(error, wasBegun: wasBegun))
        }
    }
}

extension Machine.Response {
    /// Keeps what the core looks at, and nothing else: a header may hold a secret.
    fileprivate init(_ response: HTTPURLResponse, _ body: Data) {
        var headers: [String: String] = [:]
        for name in ["content-type", "date", "retry-after", "x-amzn-errortype"] {
            headers[name] = response.value(forHTTPHeaderField: name)
        }
        self.init(status: UInt16(clamping: response.statusCode), headers: headers, body: body)
    }
}

extension Machine.Outcome {
    /// Tells what happened to the request, in words that hold neither the URL nor anything that was sent.
    fileprivate static func fault(_ error: (any Error)?, wasBegun: Bool?) -> Self {
        guard let error = error as? URLError else { return .maybeSent("no answer") }
        let detail = "\(error.code.words) (URLError \(error.code.rawValue))"
        switch error.code {
        case .serverCertificateHasBadDate, .serverCertificateUntrusted, .serverCertificateHasUnknownRoot,
            .serverCertificateNotYetValid, .clientCertificateRejected, .clientCertificateRequired:
            return wasBegun == true ? .maybeSent(detail) : .blocked(detail)
        case .badURL, .unsupportedURL, .appTransportSecurityRequiresSecureConnection:
            return .misconfigured(setting: "token_url", detail: detail)
        case .cannotFindHost, .cannotConnectToHost, .dnsLookupFailed, .notConnectedToInternet,
            .internationalRoamingOff, .callIsActive, .dataNotAllowed:
            return wasBegun == true ? .maybeSent(detail) : .notSent(detail)
        default:
            // The name of an error cannot know whether a byte left, unless the system says so.
            return wasBegun == false ? .notSent(detail) : .maybeSent(detail)
        }
    }
}

extension URLError.Code {
    fileprivate var words: String {
        switch self {
        case .timedOut: "no answer in time"
        case .cannotFindHost, .dnsLookupFailed: "host cannot be found"
        case .cannotConnectToHost: "connection refused"
        case .networkConnectionLost: "connection was lost"
        case .notConnectedToInternet: "not connected"
        case .secureConnectionFailed: "no secure connection"
        case .badServerResponse: "answer cannot be understood"
        default: "request failed"
        }
    }
}
