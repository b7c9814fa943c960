// swift-tools-version: 6.0
import PackageDescription

#if canImport(Darwin)
// Built by tools/xcframework.
let ffi = Target.binaryTarget(name: "TokenwardFFI", path: "Artifacts/TokenwardFFI.xcframework")
#else
// libtokenward_swift.a is found by `-Xlinker -L…`, as tools/check does.
let ffi = Target.systemLibrary(name: "TokenwardFFI")
#endif

let package = Package(
    name: "Tokenward",
    platforms: [.macOS(.v13), .iOS(.v16)],
    products: [.library(name: "Tokenward", targets: ["Tokenward"])],
    targets: [
        ffi,
        // Written by tools/generate, but for Time.swift.
        .target(name: "TokenwardCore", dependencies: ["TokenwardFFI"]),
        .target(name: "Tokenward", dependencies: ["TokenwardCore"]),
        .executableTarget(name: "herd-worker", dependencies: ["Tokenward"], path: "Sources/HerdWorker"),
        .executableTarget(name: "bench", dependencies: ["Tokenward", "TokenwardFFI"], path: "bench"),
        .testTarget(name: "TokenwardTests", dependencies: ["Tokenward", "TokenwardCore"]),
    ]
)
