import Foundation
internal import TokenwardCore

/// A credential that is kept usable, shared with every other process that has the same store.
///
/// Any number of tasks may use it. A cancelled task stops waiting, and nothing else: a refresh that it began goes on, and
/// the exit of the process waits while a refresh token is on its way.
public final class TokenSource: Sendable {
    private let core: CoreSource

    init(_ core: CoreSource) {
        self.core = core
    }

    /// Opens the credential file of the settings. A store that is absent is no error here: ``getToken(minTTL:deadline:)``
    /// tells what to do about it.
    public convenience init(_ settings: Settings, transport: any Transport) throws(ConfigError) {
        let courier = Courier(transport)
        self.init(try checked { try CoreSource(given: settings.given, transport: courier) })
    }

    /// Opens a store of your own.
    public convenience init(
        _ settings: Settings, store: any Store, transport: any Transport
    ) throws(ConfigError) {
        let (keeper, courier) = (Keeper(store), Courier(transport))
        self.init(try checked { try CoreSource.withStore(given: settings.given, store: keeper, transport: courier) })
    }

    /// Returns a source that hands out this token for ever, whatever its expiry: for tests.
    public static func fixed(_ token: AccessToken) -> TokenSource {
        TokenSource(CoreSource.fixed(token: token.core))
    }

    /// Returns a token that works, at once if it can, refreshed by this or another process if it must.
    ///
    /// It has `minTTL` of life left where that can be had. `deadline` is how long to wait, by default the setting of that
    /// name. Throws a ``TokenError``, or `CancellationError` where the task is cancelled.
    public func getToken(minTTL: Duration = .zero, deadline: Duration? = nil) async throws -> AccessToken {
        if minTTL == .zero, let token = fresh() { return token }
        return try await token { [core] in core.getToken(minTtl: minTTL, deadline: deadline, waiter: $0) }
    }

    /// Returns the token if it can be had without waiting, else nil.
    public func fresh() -> AccessToken? {
        core.fresh().map(AccessToken.init)
    }

    /// Returns the value of an `Authorization` header.
    public func authorization() async throws -> String {
        try await getToken().authorization()
    }

    /// Asks the server for a new token even if the old one is fresh, the shared wait is not over or the login is known
    /// to be dead.
    @discardableResult
    public func refresh(deadline: Duration? = nil) async throws -> AccessToken {
        try await token { [core] in core.refresh(deadline: deadline, waiter: $0) }
    }

    /// Says that a server refused this token: 401, or `invalid_token` (RFC 6750 section 3.1).
    public func reportRefused(_ token: AccessToken) {
        core.reportRefused(token: token.core)
    }

    /// Returns what is known of the credential, as of the last read, without a secret.
    public func status() async throws -> Status {
        let end = try await Call.settled { [core] in core.status(waiter: $0); return nil }
        guard case .status(let status) = end else { throw CancellationError() }
        return Status(status)
    }

    /// Reads the store now. A source in use sees a change within a second anyway.
    public func look() async throws {
        _ = try await Call.settled { [core] in core.look(waiter: $0); return nil }
    }

    /// Stores a login. With `replace` it may be older, another account's, or one that cannot be refreshed.
    public func save(_ grant: Grant, replace: Bool = false) async throws {
        _ = try await Call.settled { [core] in core.save(grant: grant.core, replace: replace, waiter: $0); return nil }
    }

    /// Removes the credential from the store. The server is not told.
    public func clear() async throws {
        _ = try await Call.settled { [core] in core.clear(waiter: $0); return nil }
    }

    /// Returns the news from now on. The stream ends with the source; one that is not read grows.
    public func events() -> AsyncStream<Event> {
        AsyncStream { core.subscribe(listener: Listener($0)) }
    }

    /// Closes the source: every call fails from now on. Waits while a refresh token is on its way; a cancelled task
    /// does not.
    public func close() async {
        _ = try? await Call.settled { [core] in core.close(waiter: $0); return nil }
    }

    /// Closes every source of this process, as its exit does, and waits while a refresh token is on its way.
    public static func closeAll() async {
        _ = try? await Call.settled { coreCloseAll(waiter: $0); return nil }
    }

    private func token(_ begin: @escaping @Sendable (Call) -> CoreWait) async throws -> AccessToken {
        guard case .token(let token) = try await Call.settled(begin) else { throw CancellationError() }
        return AccessToken(token)
    }
}
