import Foundation
internal import TokenwardCore

extension Machine {
    /// A failure of the store or its folder, as the host saw it.
    public struct StoreFault: Error, Hashable, Sendable {
        /// Which one.
        public let kind: Kind
        /// What the system said.
        public let detail: String

        /// Names a failure.
        public init(_ kind: Kind, _ detail: String) {
            (self.kind, self.detail) = (kind, detail)
        }

        /// The kinds there are, by the core's names.
        public enum Kind: String, CaseIterable, Sendable {
            case denied
            case locked
            case notAFile = "not_a_file"
            case tooLarge = "too_large"
            case readOnly = "read_only"
            case noSpace = "no_space"
            case pinned
            case noLocks = "no_locks"
            case other
        }

        var core: CoreStoreFault { CoreStoreFault(kind: kind.rawValue, detail: detail) }
    }

    /// Writes to the journal, in order.
    public struct JournalWrites: Sendable {
        /// Whether what is there now is moved aside first.
        public let setAside: Bool
        /// The size the file has before the first write, filled with zeros up to here.
        public let reserve: UInt64
        /// The writes.
        public let writes: [Write]

        init(_ core: CoreJournalWrites) {
            (setAside, reserve, writes) = (core.setAside, core.reserve, core.writes.map(Write.init))
        }
    }

    /// One write at one offset. Prints its length only.
    public struct Write: Sendable {
        /// Where it begins.
        public let offset: UInt64
        /// What is written.
        public let data: Data

        init(_ core: CoreWrite) {
            (offset, data) = (core.offset, core.data)
        }
    }

    /// A grant that waits beside the store. Prints its name only.
    public struct Parked: Sendable {
        /// The name under which it waits.
        public let name: String
        /// The grant.
        public let data: Data

        /// Takes what was read.
        public init(name: String, data: Data) {
            (self.name, self.data) = (name, data)
        }
    }
}
