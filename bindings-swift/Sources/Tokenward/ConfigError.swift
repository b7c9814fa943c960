import Foundation
internal import TokenwardCore

/// Why a source, a machine or a store cannot be had: a setting, or what the system said. Hides secrets.
public struct ConfigError: Error, Hashable, Sendable {
    /// The setting, nil where it is the system that says no.
    public let name: String?
    /// What is wrong, by place and value.
    public let message: String
}

extension ConfigError: CustomStringConvertible, LocalizedError {
    public var description: String { message }
    public var errorDescription: String? { message }
}

/// Calls the core; what it refuses is a ``ConfigError``.
func checked<Value>(_ call: () throws -> Value) throws(ConfigError) -> Value {
    do {
        return try call()
    } catch let refusal as CoreRefusal {
        switch refusal {
        case .Setting(let name, let message): throw ConfigError(name: name, message: message)
        case .System(let message): throw ConfigError(name: nil, message: message)
        }
    } catch {
        throw ConfigError(name: nil, message: "\(error)")
    }
}
