import Foundation

#if canImport(Glibc)
import Glibc
private let stream = Int32(SOCK_STREAM.rawValue)
#else
import Darwin
private let stream = SOCK_STREAM
#endif

/// A server on loopback that answers as it is told, and notes what it was asked. One request for each connection.
final class Resource: @unchecked Sendable {
    struct Asked: Equatable {
        var line: String
        var authorization: String?
        var body: String
    }

    typealias Answer = (status: Int, headers: [String: String], body: String)

    let url: URL
    private let lock = NSLock()
    private let socket: Int32
    private var seen: [Asked] = []
    private let answer: @Sendable (Asked) -> Answer

    var asked: [Asked] { lock.withLock { seen } }

    init(answer: @escaping @Sendable (Asked) -> Answer) throws {
        self.answer = answer
        socket = try listening(on: "127.0.0.1")
        url = URL(string: "http://127.0.0.1:\(try port(of: socket))")!
        Thread.detachNewThread { [socket, weak self] in
            // Closed by deinit, which ends the wait with an error.
            while case let connection = accept(socket, nil, nil), connection >= 0 {
                self?.serve(connection)
                close(connection)
            }
        }
    }

    deinit {
        shutdown(socket, Int32(SHUT_RDWR))
        close(socket)
    }

    private func serve(_ connection: Int32) {
        let file = FileHandle(fileDescriptor: connection, closeOnDealloc: false)
        guard let first = try? file.line(), !first.isEmpty else { return }
        var asked = Asked(line: first.trimmed, authorization: nil, body: "")
        var length = 0
        while let header = try? file.line().trimmed, !header.isEmpty {
            let parts = header.split(separator: ":", maxSplits: 1).map { String($0).trimmed }
            switch parts.first?.lowercased() {
            case "authorization": asked.authorization = parts.last
            case "content-length": length = Int(parts.last ?? "") ?? 0
            default: break
            }
        }
        let body = length > 0 ? (try? file.read(upToCount: length)) ?? Data() : Data()
        asked.body = String(decoding: body, as: UTF8.self)
        lock.withLock { seen.append(asked) }
        let told = answer(asked)
        var text = "HTTP/1.1 \(told.status) So\r\nConnection: close\r\nContent-Length: \(told.body.utf8.count)\r\n"
        for (name, value) in told.headers { text += "\(name): \(value)\r\n" }
        try? file.write(contentsOf: Data("\(text)\r\n\(told.body)".utf8))
    }
}

extension String {
    fileprivate var trimmed: String { trimmingCharacters(in: .whitespacesAndNewlines) }
}

/// Returns a socket that listens on a port that the system chooses.
func listening(on host: String) throws -> Int32 {
    let listener = socket(AF_INET, stream, 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr(host)
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, size) == 0 }
    }
    guard isBound, listen(listener, 16) == 0 else { throw Trouble("no socket: \(errno)") }
    return listener
}

/// Returns the port of a socket.
func port(of socket: Int32) throws -> UInt16 {
    var address = sockaddr_in()
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isKnown = withUnsafeMutablePointer(to: &address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(socket, $0, &size) == 0 }
    }
    guard isKnown else { throw Trouble("no port: \(errno)") }
    return UInt16(bigEndian: address.sin_port)
}

/// Gives a socket back.
func closeSocket(_ socket: Int32) {
    close(socket)
}
