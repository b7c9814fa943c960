import Foundation
internal import TokenwardCore

extension Machine {
    /// One operation on a store. Each makes its own answer, once.
    public enum StoreOp: Sendable {
        /// Reads ranges of the journal first, then the store, then the parked grants.
        case load(Load)
        /// Tries to take the lock, and never waits for it.
        case tryLock(TryLock)
        /// Proves that the store can be replaced, then writes to the journal and syncs it.
        case prepare(Prepare)
        /// Writes the frame, syncs, then writes the mark.
        case stage(Stage)
        /// Replaces the store in one piece, if it still is what the machine has read.
        case commit(Commit)
        /// Writes to the journal without syncing, then removes parked grants.
        case note(Note)
        /// Writes a grant to a new place beside the store and syncs it.
        case park(Park)
        /// Gives the lock back.
        case unlock(Unlock)
    }

    /// Reads ranges of the journal first, then the store, then the parked grants.
    public struct Load: Sendable {
        let op: CoreOp
        /// The byte ranges of the journal to read. What lies behind its end is left out.
        public let journal: [Range<UInt64>]
        /// Whether to read the store's content too.
        public let store: Bool
        /// Whether to read the parked grants too.
        public let parked: Bool

        /// Says what was read: the bytes of each range, the store's content, nil if there is none, and the parked
        /// grants, oldest first.
        public func answer(
            journal: Result<[Data], StoreFault> = .success([]), store: Result<Data?, StoreFault> = .success(nil),
            parked: [Parked] = []
        ) -> Answer {
            Answer(
                op.loaded(
                    journal: journal.value ?? [], journalFault: journal.fault, store: store.value ?? nil,
                    storeFault: store.fault, parked: parked.map { CoreParked(name: $0.name, data: $0.data) }))
        }
    }

    /// Tries to take the lock, and never waits for it.
    public struct TryLock: Sendable {
        let op: CoreOp

        /// Says whether the lock is ours.
        public func answer(_ outcome: Outcome) -> Answer {
            switch outcome {
            case .locked: Answer(op.locked(busy: false, fault: nil))
            case .busy: Answer(op.locked(busy: true, fault: nil))
            case .fault(let fault): Answer(op.locked(busy: false, fault: fault.core))
            }
        }

        /// Whether the lock is ours.
        public enum Outcome: Hashable, Sendable {
            /// It is ours.
            case locked
            /// Another process has it.
            case busy
            /// It cannot be taken at all.
            case fault(StoreFault)
        }
    }

    /// Proves that the store can be replaced, then writes to the journal and syncs it.
    public struct Prepare: Sendable {
        let op: CoreOp
        /// The journal's writes.
        public let journal: JournalWrites
        /// The bytes the replaced store will need, at most.
        public let room: UInt64

        /// Says that it is done, or why not.
        public func answer(_ fault: StoreFault? = nil) -> Answer { Answer(op.done(fault: fault?.core)) }
    }

    /// Writes the frame, syncs, then writes the mark.
    public struct Stage: Sendable {
        let op: CoreOp
        /// The server's answer.
        public let frame: Write
        /// The state that names it.
        public let mark: Write

        /// Says that the answer is on the disk, or why not.
        public func answer(_ fault: StoreFault? = nil) -> Answer { Answer(op.done(fault: fault?.core)) }
    }

    /// Replaces the store in one piece, if it still is what the machine has read.
    public struct Commit: Sendable {
        let op: CoreOp
        private let base: Data?
        /// The new content; nil removes the store.
        public let content: Data?

        init(_ op: CoreOp, base: Data?, content: Data?) {
            (self.op, self.base, self.content) = (op, base, content)
        }

        /// Returns whether this is what the machine has read. If not, the store has moved.
        public func isMade(for content: Data?) -> Bool { coreIsBase(base: base, content: content) }

        /// Says whether the store was replaced.
        public func answer(_ outcome: Outcome) -> Answer {
            switch outcome {
            case .replaced: Answer(op.committed(moved: false, fault: nil))
            case .moved: Answer(op.committed(moved: true, fault: nil))
            case .fault(let fault): Answer(op.committed(moved: false, fault: fault.core))
            }
        }

        /// Whether the store was replaced.
        public enum Outcome: Hashable, Sendable {
            /// It was.
            case replaced
            /// It is not what the machine has read, and was left alone.
            case moved
            /// It could not be.
            case fault(StoreFault)
        }
    }

    /// Writes to the journal without syncing, then removes parked grants.
    public struct Note: Sendable {
        let op: CoreOp
        /// The journal's writes.
        public let journal: JournalWrites
        /// The parked grants that are done with.
        public let unpark: [String]

        /// Says that the note was written, or why not.
        public func answer(_ fault: StoreFault? = nil) -> Answer { Answer(op.done(fault: fault?.core)) }
    }

    /// Writes a grant to a new place beside the store and syncs it.
    public struct Park: Sendable {
        let op: CoreOp
        /// The grant.
        public let content: Data

        /// Gives the name under which the grant waits, or says why it does not.
        public func answer(_ outcome: Result<String, StoreFault>) -> Answer {
            Answer(op.parked(name: outcome.value ?? "", fault: outcome.fault))
        }
    }

    /// Gives the lock back.
    public struct Unlock: Sendable {
        let op: CoreOp

        /// Says that the lock is given back.
        public func answer() -> Answer { Answer(op.done(fault: nil)) }
    }
}

extension Machine.StoreOp {
    init(_ core: CoreStoreOp) {
        self =
            switch core {
            case .load(let op, let journal, let store, let parked):
                .load(.init(op: op, journal: journal.map { $0.start..<$0.end }, store: store, parked: parked))
            case .tryLock(let op): .tryLock(.init(op: op))
            case .prepare(let op, let journal, let room): .prepare(.init(op: op, journal: .init(journal), room: room))
            case .stage(let op, let frame, let mark): .stage(.init(op: op, frame: .init(frame), mark: .init(mark)))
            case .commit(let op, let base, let content): .commit(.init(op, base: base, content: content))
            case .note(let op, let journal, let unpark):
                .note(.init(op: op, journal: .init(journal), unpark: unpark))
            case .park(let op, let content): .park(.init(op: op, content: content))
            case .unlock(let op): .unlock(.init(op: op))
            }
    }

    var core: CoreOp {
        switch self {
        case .load(let load): load.op
        case .tryLock(let tryLock): tryLock.op
        case .prepare(let prepare): prepare.op
        case .stage(let stage): stage.op
        case .commit(let commit): commit.op
        case .note(let note): note.op
        case .park(let park): park.op
        case .unlock(let unlock): unlock.op
        }
    }
}

extension Result where Failure == Machine.StoreFault {
    fileprivate var value: Success? { try? get() }

    fileprivate var fault: CoreStoreFault? {
        if case .failure(let fault) = self { fault.core } else { nil }
    }
}
