#if canImport(Darwin)
import Foundation

extension TokenSource.Settings {
    /// Returns the path of a store in the folder that an app and its extensions share, for the setting `store`.
    ///
    /// The folder is readable from the first unlock on, so that a refresh in the background works on a locked device.
    public static func appGroup(_ identifier: String, store name: String = "login.json") throws(ConfigError) -> String {
        guard let group = FileManager.default.containerURL(forSecurityApplicationGroupIdentifier: identifier) else {
            let message = "settings: store: the app is not entitled to the App Group \(identifier)"
            throw ConfigError(name: "store", message: message)
        }
        let folder = group.appendingPathComponent("Library/Application Support/tokenward", isDirectory: true)
        do {
            var attributes: [FileAttributeKey: Any] = [.posixPermissions: 0o700]
            #if os(iOS)
            attributes[.protectionKey] = FileProtectionType.completeUntilFirstUserAuthentication
            #endif
            try FileManager.default.createDirectory(
                at: folder, withIntermediateDirectories: true, attributes: attributes)
        } catch {
            throw ConfigError(name: "store", message: "settings: store: \(error.localizedDescription)")
        }
        return folder.appendingPathComponent(name).path
    }
}
#endif
