import Foundation
internal import TokenwardCore

/// Holds a credential: a file, a keychain, or yours.
public protocol Store: Sendable {
    /// Carries out one operation and returns its answer. Operations come one after the other.
    func perform(_ op: Machine.StoreOp) async -> Machine.Answer

    /// A number that changes when somebody else wrote, without reading a byte of content. Asked once a second; nil where
    /// the store cannot tell.
    var stamp: UInt64? { get }

    /// The name that two handles of the same store share. Sources of one process on stores with equal names share one
    /// driver; nil shares with nobody.
    var identity: String? { get }
}

extension Store {
    public var stamp: UInt64? { nil }
    public var identity: String? { nil }
}

/// A credential in a file, with its lock and its journal beside it. A ``TokenSource`` has its own: this one is for
/// those who step a ``Machine``.
public final class FileStore: Store {
    private let core: CoreFileStore

    /// Names a store. Nothing is made and nothing is opened.
    public init(_ path: String, trustLock: Bool = false) throws(ConfigError) {
        core = try checked { try CoreFileStore(path: path, trustLock: trustLock) }
    }

    /// Carries out one operation, on this thread.
    public func perform(_ op: Machine.StoreOp) -> Machine.Answer {
        Machine.Answer(core.perform(op: op.core))
    }

    /// Returns where the store lies now, links followed.
    public func resolved() throws(ConfigError) -> String {
        try checked { try core.resolved() }
    }

    public var stamp: UInt64? { core.stamp() }
    public var identity: String? { core.identity() }
}

/// Hands the core's operations to a store.
final class Keeper: CoreStore {
    private let store: any Store

    init(_ store: any Store) {
        self.store = store
    }

    func start(op: CoreStoreOp, reply: CoreReply) {
        Task.detached { [store] in
            reply.give(answer: await store.perform(Machine.StoreOp(op)).core)
        }
    }

    func stamp() -> UInt64? { store.stamp }
    func identity() -> String? { store.identity }
}
