import Foundation
internal import TokenwardCore

extension TokenSource.Settings.Format {
    /// Reads what stands in a store; nil where that is no login.
    public func decode(_ content: Data) throws -> Grant? {
        try fitting { try coreDecode(format: rawValue, content: content) }.map(Grant.init)
    }

    /// Returns the new content of a store. What is not the login's stays as it is.
    public func encode(_ grant: Grant, over existing: Data? = nil) throws -> Data {
        try fitting { try coreEncode(format: rawValue, existing: existing, grant: grant.core) }
    }
}

private func fitting<Value>(_ call: () throws -> Value) throws -> Value {
    do {
        return try call()
    } catch CoreUnfit.Failed(let failure) {
        throw TokenError(failure)
    }
}
