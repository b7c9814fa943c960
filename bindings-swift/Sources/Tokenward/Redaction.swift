// What holds bytes of a credential prints what can be told of it.

/// Prints by `shown` alone: in text, in the debugger and in a mirror.
protocol Redacted: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// What may be seen, by name.
    var shown: KeyValuePairs<String, Any> { get }
}

extension Redacted {
    public var description: String {
        let name = String(describing: Self.self)
        return "\(name)(\(shown.map { "\($0.key): \($0.value)" }.joined(separator: ", ")))"
    }

    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: shown.map { ($0.key, $0.value) }, displayStyle: .struct) }
}

extension Machine.Request: Redacted {
    var shown: KeyValuePairs<String, Any> { ["url": url] }
}

extension Machine.Response: Redacted {
    var shown: KeyValuePairs<String, Any> { ["status": status, "bytes": body.count] }
}

extension Machine.Write: Redacted {
    var shown: KeyValuePairs<String, Any> { ["offset": offset, "bytes": data.count] }
}

extension Machine.Parked: Redacted {
    var shown: KeyValuePairs<String, Any> { ["name": name, "bytes": data.count] }
}

extension Machine.Commit: Redacted {
    var shown: KeyValuePairs<String, Any> { ["bytes": content?.count ?? 0] }
}

extension Machine.Park: Redacted {
    var shown: KeyValuePairs<String, Any> { ["bytes": content.count] }
}

extension TokenSource.Settings: Redacted {
    var shown: KeyValuePairs<String, Any> { ["names": given.map(\.name)] }
}
