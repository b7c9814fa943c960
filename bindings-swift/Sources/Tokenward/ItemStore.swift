import Foundation

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Where an ``ItemStore`` keeps its parts, by name: a keychain, or a test's memory.
protocol Items: Sendable {
    /// Returns an item, nil if there is none.
    func read(_ name: String) throws(Machine.StoreFault) -> Data?
    /// Replaces an item in one piece; nil removes it.
    func write(_ name: String, _ data: Data?) throws(Machine.StoreFault)
    /// Returns the names of all items.
    func names() throws(Machine.StoreFault) -> [String]
}

/// A store that is no file: credential, journal and parked grants are items, and an empty file is the lock of all
/// processes that share them. It is never deleted.
actor ItemStore: Store {
    nonisolated let identity: String?
    private let items: any Items
    private let lockPath: String
    private var lock: Int32?

    init(_ items: any Items, lockPath: String, identity: String) {
        (self.items, self.lockPath, self.identity) = (items, lockPath, identity)
    }

    deinit {
        if let lock { close(lock) }
    }

    func perform(_ op: Machine.StoreOp) -> Machine.Answer {
        switch op {
        case .load(let load):
            return answer(load)
        case .tryLock(let tryLock):
            return tryLock.answer(take())
        case .prepare(let prepare):
            return prepare.answer(fault { () throws(Machine.StoreFault) in try write(prepare.journal) })
        case .stage(let stage):
            return stage.answer(
                fault { () throws(Machine.StoreFault) in
                    // One item is replaced in one piece: frame and mark come together.
                    try edit { journal in
                        journal.splice(stage.frame)
                        journal.splice(stage.mark)
                    }
                })
        case .commit(let commit):
            return commit.answer(replace(commit))
        case .note(let note):
            return note.answer(
                fault { () throws(Machine.StoreFault) in
                    try write(note.journal)
                    for name in note.unpark { try items.write(Self.parked + name, nil) }
                })
        case .park(let park):
            let name = "\(Int(Date().timeIntervalSince1970 * 1000))-\(UUID().uuidString)"
            let fault = fault { () throws(Machine.StoreFault) in try items.write(Self.parked + name, park.content) }
            return park.answer(fault.map { .failure($0) } ?? .success(name))
        case .unlock(let unlock):
            if let lock { close(lock) }
            lock = nil
            return unlock.answer()
        }
    }

    private func answer(_ load: Machine.Load) -> Machine.Answer {
        let journal = result { () throws(Machine.StoreFault) in try items.read(Self.journal) ?? Data() }
            .map { whole in load.journal.map { Data(whole.dropFirst(Int($0.lowerBound)).prefix($0.count)) } }
        let store = result { () throws(Machine.StoreFault) in load.store ? try items.read(Self.store) : nil }
        let parked = result { () throws(Machine.StoreFault) in
            var found: [Machine.Parked] = []
            // The names begin with the time.
            for name in load.parked ? try items.names().sorted() : [] where name.hasPrefix(Self.parked) {
                guard let data = try items.read(name) else { continue }
                found.append(Machine.Parked(name: String(name.dropFirst(Self.parked.count)), data: data))
            }
            return found
        }
        return load.answer(journal: journal, store: store, parked: (try? parked.get()) ?? [])
    }

    private func take() -> Machine.TryLock.Outcome {
        let file = open(lockPath, O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard file >= 0 else { return .fault(Machine.StoreFault(.denied, "cannot open the lock: \(text(errno))")) }
        guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(file)
            return code == EWOULDBLOCK ? .busy : .fault(Machine.StoreFault(.noLocks, "cannot lock: \(text(code))"))
        }
        lock = file
        return .locked
    }

    private func replace(_ commit: Machine.Commit) -> Machine.Commit.Outcome {
        do throws(Machine.StoreFault) {
            guard commit.isMade(for: try items.read(Self.store)) else { return .moved }
            try items.write(Self.store, commit.content)
            return .replaced
        } catch {
            return .fault(error)
        }
    }

    private func write(_ writes: Machine.JournalWrites) throws(Machine.StoreFault) {
        if writes.setAside {
            try items.write(Self.aside, try items.read(Self.journal))
            try items.write(Self.journal, nil)
        }
        // Nothing is reserved: an item grows, and its end counts as zeros.
        try edit { journal in writes.writes.forEach { journal.splice($0) } }
    }

    private func edit(_ change: (inout Data) -> Void) throws(Machine.StoreFault) {
        var whole = try items.read(Self.journal) ?? Data()
        change(&whole)
        try items.write(Self.journal, whole)
    }

    private static let (store, journal, aside, parked) = ("login", "journal", "journal-aside", "parked-")
}

extension Data {
    fileprivate mutating func splice(_ write: Machine.Write) {
        let (start, end) = (Int(write.offset), Int(write.offset) + write.data.count)
        append(Data(count: Swift.max(0, end - count)))
        replaceSubrange(start..<end, with: write.data)
    }
}

private func result<Value>(
    _ call: () throws(Machine.StoreFault) -> Value
) -> Result<Value, Machine.StoreFault> {
    do throws(Machine.StoreFault) {
        return .success(try call())
    } catch {
        return .failure(error)
    }
}

private func fault(_ call: () throws(Machine.StoreFault) -> Void) -> Machine.StoreFault? {
    do throws(Machine.StoreFault) {
        try call()
        return nil
    } catch {
        return error
    }
}

private func text(_ code: Int32) -> String {
    String(cString: strerror(code))
}
