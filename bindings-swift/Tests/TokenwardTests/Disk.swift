import Foundation
import Tokenward

/// A store, a journal, parked grants and one lock, as tests/vectors/README.md describes them.
struct Disk {
    private(set) var content: Data?
    private var journal: Data?
    private var parked: [Machine.Parked] = []
    private var parkedEver = 0
    private var setAside = 0
    private(set) var lock: String?

    mutating func edit(_ edit: JSON) throws {
        let edit = try edit.known("store", "journal", "parked", "lock")
        if let store = edit["store"] { content = store == .null ? nil : try store.content() }
        if edit["journal"] == .null { journal = nil }
        for write in edit["journal"]?.array ?? [] {
            let write = try write.known("offset", "text", "hex")
            let data = write["text"].map { Data(($0.string ?? "").utf8) } ?? Data(hex: write["hex"]?.string ?? "")
            splice(write["offset"]?.integer ?? 0, data)
        }
        if case .members(let grants)? = edit["parked"] {
            parked = grants.sorted { $0.key < $1.key }.map { .init(name: $0, data: Data(($1.string ?? "").utf8)) }
        }
        switch edit["lock"]?.string {
        case "held": lock = "a process outside the vector"
        case "free": lock = nil
        case nil: break
        case let other?: throw Trouble("unknown lock \(other)")
        }
    }

    mutating func crash(_ machine: String) {
        if lock == machine { lock = nil }
    }

    /// Carries an operation out.
    mutating func perform(_ op: Machine.StoreOp, _ machine: String) throws -> Machine.Answer {
        try checkLock(op, machine)
        switch op {
        case .load(let load):
            return answer(load)
        case .tryLock(let tryLock):
            guard lock == nil else { return tryLock.answer(.busy) }
            lock = machine
            return tryLock.answer(.locked)
        case .prepare(let prepare):
            write(prepare.journal)
            return prepare.answer()
        case .stage(let stage):
            splice(Int(stage.frame.offset), stage.frame.data)
            splice(Int(stage.mark.offset), stage.mark.data)
            return stage.answer()
        case .commit(let commit):
            guard commit.isMade(for: content) else { return commit.answer(.moved) }
            content = commit.content
            return commit.answer(.replaced)
        case .note(let note):
            write(note.journal)
            parked.removeAll { note.unpark.contains($0.name) }
            return note.answer()
        case .park(let park):
            parkedEver += 1
            parked.append(.init(name: "parked-\(parkedEver)", data: park.content))
            return park.answer(.success("parked-\(parkedEver)"))
        case .unlock(let unlock):
            lock = nil
            return unlock.answer()
        }
    }

    /// Answers an effect as a vector says.
    mutating func answer(_ op: Machine.StoreOp, _ kind: String, _ reply: JSON, _ machine: String) throws -> Machine.Answer {
        let reply = try reply.known("performed", "fault", "journal", "store", "busy", "moved")
        guard kind == op.kind else { throw Trouble("the open effect is a \(op.kind), not a \(kind)") }
        let fault = try reply["fault"].map(Self.fault)
        if reply["performed"]?.isTrue == true, fault == nil { return try perform(op, machine) }
        let wasPerformed = reply["performed"]?.isTrue == true
        switch op {
        case .load(let load):
            return answer(load, try reply["journal"].map(Self.fault), try reply["store"].map(Self.fault))
        case .tryLock(let tryLock):
            return tryLock.answer(reply["busy"]?.isTrue == true ? .busy : .fault(try fault ?? Self.fault(.null)))
        case .commit(let commit):
            return commit.answer(reply["moved"]?.isTrue == true ? .moved : .fault(try fault ?? Self.fault(.null)))
        case .prepare(let prepare):
            if wasPerformed { write(prepare.journal) }
            return prepare.answer(fault)
        case .note(let note):
            if wasPerformed { write(note.journal) }
            return note.answer(fault)
        case .stage(let stage):
            return stage.answer(fault)
        case .park(let park):
            return park.answer(.failure(try fault ?? Self.fault(.null)))
        case .unlock:
            throw Trouble("an unlock cannot fail")
        }
    }

    /// Returns what differs from what is expected at the end.
    func differences(from after: JSON, tokens: [String]) throws -> [String] {
        let after = try after.known("store", "parked", "lock", "set_aside", "tokens_in_journal")
        var found: [String: JSON] = [
            "parked": .list(parked.map { .text($0.name) }),
            "lock": .text(lock == nil ? "free" : "held"),
            "set_aside": JSON(setAside),
            "tokens_in_journal": .list(
                tokens.filter { journal?.range(of: Data($0.utf8)) != nil }.map { .text($0) }),
        ]
        // A text is compared byte for byte, anything else as JSON.
        if let expected = after["store"] {
            let text = content.map { JSON.text(String(decoding: $0, as: UTF8.self)) } ?? .null
            found["store"] = text == expected ? text : try content.map { try JSON(parsing: $0) } ?? .null
        }
        return after.compactMap { found[$0] == $1 ? nil : "\($0) is \(String(describing: found[$0])), not \($1)" }
    }

    private mutating func splice(_ offset: Int, _ data: Data) {
        var whole = journal ?? Data()
        whole.append(Data(count: max(0, offset + data.count - whole.count)))
        whole.replaceSubrange(offset..<offset + data.count, with: data)
        journal = whole
    }

    private mutating func write(_ writes: Machine.JournalWrites) {
        if writes.setAside {
            journal = nil
            setAside += 1
        }
        var whole = journal ?? Data()
        whole.append(Data(count: max(0, Int(writes.reserve) - whole.count)))
        journal = whole
        for write in writes.writes { splice(Int(write.offset), write.data) }
    }

    private func answer(
        _ load: Machine.Load, _ journalFault: Machine.StoreFault? = nil, _ storeFault: Machine.StoreFault? = nil
    ) -> Machine.Answer {
        let whole = journal ?? Data()
        let ranges = load.journal.map { Data(whole.dropFirst(Int($0.lowerBound)).prefix($0.count)) }
        return load.answer(
            journal: journalFault.map { .failure($0) } ?? .success(ranges),
            store: storeFault.map { .failure($0) } ?? .success(load.store ? content : nil),
            parked: load.parked ? parked : [])
    }

    private func checkLock(_ op: Machine.StoreOp, _ machine: String) throws {
        switch op {
        case .prepare, .stage, .commit, .note, .unlock:
            guard lock == machine else { throw Trouble("\(op.kind) without the lock") }
        case .tryLock, .park:
            guard lock != machine else { throw Trouble("\(op.kind) with the lock") }
        case .load:
            break
        }
    }

    private static func fault(_ kind: JSON) throws -> Machine.StoreFault {
        guard let kind = kind.string.flatMap(Machine.StoreFault.Kind.init) else { throw Trouble("no fault: \(kind)") }
        return Machine.StoreFault(kind, kind.rawValue)
    }
}

extension Machine.StoreOp {
    var kind: String {
        switch self {
        case .load: "load"
        case .tryLock: "try_lock"
        case .prepare: "prepare"
        case .stage: "stage"
        case .commit: "commit"
        case .note: "note"
        case .park: "park"
        case .unlock: "unlock"
        }
    }
}

extension Data {
    init(hex: String) {
        self.init()
        var rest = Substring(hex)
        while !rest.isEmpty {
            append(UInt8(rest.prefix(2), radix: 16) ?? 0)
            rest = rest.dropFirst(2)
        }
    }
}
