import Foundation

/// A vector's content. It stays on this side of the border.
enum JSON: Hashable, Sendable, Decodable {
    case null
    case bool(Bool)
    case number(Double)
    case text(String)
    case list([JSON])
    case members([String: JSON])

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let text = try? value.decode(String.self) {
            self = .text(text)
        } else if let list = try? value.decode([JSON].self) {
            self = .list(list)
        } else {
            self = .members(try value.decode([String: JSON].self))
        }
    }

    init(parsing data: Data) throws {
        self = try JSONDecoder().decode(JSON.self, from: data)
    }

    /// Reads a file of tests/vectors.
    static func vectors(_ path: String) throws -> JSON {
        try JSON(parsing: try Data(contentsOf: vectorsFolder.appendingPathComponent(path)))
    }

    static let vectorsFolder = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().appendingPathComponent("../../../tests/vectors").standardizedFileURL

    /// Returns the JSON files of a folder of vectors, but for the index and the schema.
    static func files(in folder: String) throws -> Set<String> {
        let names = try FileManager.default.contentsOfDirectory(atPath: vectorsFolder.appendingPathComponent(folder).path)
        return Set(names.filter { $0.hasSuffix(".json") }).subtracting(["index.json", "schema.json"])
    }

    /// Returns the members; an unknown one is an error.
    func known(_ names: String...) throws -> [String: JSON] {
        guard case .members(let members) = self else { throw Trouble("no object: \(self)") }
        let unknown = Set(members.keys).subtracting(names)
        guard unknown.isEmpty else { throw Trouble("unknown members: \(unknown.sorted())") }
        return members
    }

    /// Returns the one member.
    func only() throws -> (name: String, value: JSON) {
        guard case .members(let members) = self, members.count == 1, let only = members.first else {
            throw Trouble("not one member: \(self)")
        }
        return (only.key, only.value)
    }

    /// Returns a member of an object, nil if there is none.
    subscript(name: String) -> JSON? {
        if case .members(let members) = self { members[name] } else { nil }
    }

    var string: String? { if case .text(let text) = self { text } else { nil } }
    var isTrue: Bool { self == .bool(true) }
    var array: [JSON] { if case .list(let list) = self { list } else { [] } }
    var integer: Int? { if case .number(let number) = self { Int(exactly: number) } else { nil } }

    /// Returns a text as it stands, anything else as JSON.
    func content() throws -> Data {
        if case .text(let text) = self { return Data(text.utf8) }
        let options: JSONSerialization.WritingOptions = [.fragmentsAllowed, .sortedKeys, .withoutEscapingSlashes]
        return try JSONSerialization.data(withJSONObject: object, options: options)
    }

    private var object: Any {
        switch self {
        case .null: NSNull()
        case .bool(let bool): bool
        case .number(let number): Int(exactly: number).map { $0 as Any } ?? number
        case .text(let text): text
        case .list(let list): list.map(\.object)
        case .members(let members): members.mapValues(\.object)
        }
    }
}

extension JSON: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByDictionaryLiteral
{
    init(stringLiteral value: String) { self = .text(value) }
    init(integerLiteral value: Int) { self = .number(Double(value)) }
    init(booleanLiteral value: Bool) { self = .bool(value) }
    init(dictionaryLiteral elements: (String, JSON)...) { self = .members(Dictionary(uniqueKeysWithValues: elements)) }

    init(_ value: some BinaryInteger) { self = .number(Double(value)) }

    /// Makes an object of the members that are there.
    static func given(_ members: [String: JSON?]) -> JSON { .members(members.compactMapValues { $0 }) }
}

extension Duration {
    /// The whole milliseconds, rounded up.
    var milliseconds: Int {
        let (seconds, attoseconds) = components
        let nanoseconds = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
        return Int((nanoseconds + 999_999) / 1_000_000)
    }
}
