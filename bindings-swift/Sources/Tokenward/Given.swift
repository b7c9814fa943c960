internal import TokenwardCore

/// Settings as the core reads them: texts by name.
struct Given {
    private(set) var settings: [CoreGiven] = []

    mutating func add(_ name: String, _ value: String?) {
        if let value { settings.append(CoreGiven(name: name, value: value)) }
    }

    mutating func add(_ name: String, _ value: Bool?) {
        add(name, value.map { String($0) })
    }

    mutating func add(_ name: String, _ value: Duration?) {
        add(name, value.map { String($0.inSeconds) })
    }
}

extension Duration {
    var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
