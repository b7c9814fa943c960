#if canImport(Security)
import Foundation
import Security

/// A credential in the keychain, with its journal and its parked grants. The lock is a file, as all locks are.
///
/// An app and its extensions share one by a keychain access group, and the folder of the lock by an App Group. The items
/// are readable from the first unlock on and stay on the device.
public final class KeychainStore: Store {
    private let store: ItemStore

    /// Names a store. `lockFolder` exists and is the same for all who share it.
    public init(service: String, accessGroup: String? = nil, lockFolder: URL) {
        let lock = lockFolder.appendingPathComponent(".\(service).tokenward.lock").path
        let identity = "keychain:\(accessGroup ?? ""):\(service)"
        store = ItemStore(
            Keychain(service: service, accessGroup: accessGroup), lockPath: lock, identity: identity)
    }

    public var identity: String? { store.identity }

    public func perform(_ op: Machine.StoreOp) async -> Machine.Answer {
        await store.perform(op)
    }
}

/// Generic passwords of one service; the item's name is its account.
private struct Keychain: Items {
    let service: String
    let accessGroup: String?

    func read(_ name: String) throws(Machine.StoreFault) -> Data? {
        var found: CFTypeRef?
        var query = item(name)
        query[kSecReturnData] = true
        switch SecItemCopyMatching(query as CFDictionary, &found) {
        case errSecSuccess: return found as? Data
        case errSecItemNotFound: return nil
        case let status: throw fault("read", status)
        }
    }

    func write(_ name: String, _ data: Data?) throws(Machine.StoreFault) {
        guard let data else {
            let status = SecItemDelete(item(name) as CFDictionary)
            guard status == errSecSuccess || status == errSecItemNotFound else { throw fault("remove", status) }
            return
        }
        let status = SecItemUpdate(item(name) as CFDictionary, [kSecValueData: data] as CFDictionary)
        guard status == errSecItemNotFound else {
            guard status == errSecSuccess else { throw fault("write", status) }
            return
        }
        var new = item(name)
        new[kSecValueData] = data
        new[kSecAttrAccessible] = kSecAttrAccessibleAfterFirstUnlockThisDeviceOnly
        let added = SecItemAdd(new as CFDictionary, nil)
        guard added == errSecSuccess else { throw fault("write", added) }
    }

    func names() throws(Machine.StoreFault) -> [String] {
        var found: CFTypeRef?
        var query = item(nil)
        query[kSecMatchLimit] = kSecMatchLimitAll
        query[kSecReturnAttributes] = true
        switch SecItemCopyMatching(query as CFDictionary, &found) {
        case errSecSuccess: return (found as? [[CFString: Any]] ?? []).compactMap { $0[kSecAttrAccount] as? String }
        case errSecItemNotFound: return []
        case let status: throw fault("list", status)
        }
    }

    private func item(_ name: String?) -> [CFString: Any] {
        var query: [CFString: Any] = [
            kSecClass: kSecClassGenericPassword, kSecAttrService: service, kSecUseDataProtectionKeychain: true,
        ]
        query[kSecAttrAccount] = name
        query[kSecAttrAccessGroup] = accessGroup
        return query
    }

    private func fault(_ act: String, _ status: OSStatus) -> Machine.StoreFault {
        let words = SecCopyErrorMessageString(status, nil) as String? ?? "OSStatus \(status)"
        let kind: Machine.StoreFault.Kind =
            switch status {
            case errSecInteractionNotAllowed: .locked
            case errSecMissingEntitlement, errSecAuthFailed: .denied
            default: .other
            }
        return Machine.StoreFault(kind, "cannot \(act) in the keychain: \(words)")
    }
}
#endif
