import Foundation

extension TokenSource {
    /// Opens the credential file of the settings, and asks the server by URLSession.
    public convenience init(_ settings: Settings) throws(ConfigError) {
        if settings.caFile != nil {
            let message = "settings: ca_file: URLSession takes certificates from the system's trust store only"
            throw ConfigError(name: "ca_file", message: message)
        }
        try self.init(settings, transport: URLSessionTransport())
    }
}
