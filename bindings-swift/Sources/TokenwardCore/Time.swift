// Time as it crosses the border: see uniffi.toml.

import Foundation

extension Date {
    public init(sinceEpoch milliseconds: UInt64) {
        self.init(timeIntervalSince1970: Double(milliseconds) / 1000)
    }

    /// The nearest millisecond. A date before 1970, or one that is none, is the first one.
    public var millisecondsSinceEpoch: UInt64 {
        let milliseconds = (timeIntervalSince1970 * 1000).rounded()
        guard milliseconds > 0 else { return 0 }
        return UInt64(exactly: milliseconds) ?? .max
    }
}

extension Duration {
    public init(wholeNanoseconds: UInt64) {
        let (seconds, rest) = wholeNanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        self.init(secondsComponent: Int64(seconds), attosecondsComponent: Int64(rest) * 1_000_000_000)
    }

    /// The nanoseconds, rounded down. A span below zero is none; one of more than 584 years is for ever.
    public var wholeNanoseconds: UInt64 {
        let (seconds, attoseconds) = components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        let (whole, tooLong) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, overflows) = whole.addingReportingOverflow(UInt64(attoseconds / 1_000_000_000))
        return tooLong || overflows ? .max : sum
    }
}
