import Testing
import TokenwardCore

@testable import Tokenward

/// What is written here by hand is what the core's tables say.
@Suite struct TableTests {
    @Test func eachKindOfErrorHasItsCaseAndNoOtherIsThere() {
        #expect(TokenError.Kind.allCases.map(\.rawValue) == coreErrorKinds())
        let details = TokenError.Details(message: "m", act: "a", code: nil, retryIn: nil, holder: nil)
        for kind in TokenError.Kind.allCases {
            #expect(TokenError(kind, details).kind == kind)
        }
    }

    @Test func eachKindOfFaultHasItsCaseAndNoOtherIsThere() {
        #expect(Machine.StoreFault.Kind.allCases.map(\.rawValue) == coreFaultKinds())
    }

    @Test func eachFormatHasItsCaseAndNoOtherIsThere() {
        #expect(TokenSource.Settings.Format.allCases.map(\.rawValue) == coreStoreFormats())
    }

    @Test func everySettingIsPassedOnUnderItsName() {
        let settings = TokenSource.Settings(
            profile: "p", tokenURL: "u", clientID: "i", clientSecret: "s", tokenEndpointAuthMethod: .clientSecretBasic,
            tokenRequest: .json, bearer: .idToken, accountField: "a", issuer: "x", resource: "r", store: "f",
            format: .claudeCode, readOnly: true, resident: false, deadline: .seconds(1), patience: .milliseconds(2500),
            timeout: .seconds(3), connectTimeout: .seconds(4), unknownOutcome: .reauth, trustLock: true, caFile: "c",
            userAgent: "ua")

        #expect(settings.given.map(\.name) == coreSettingNames())
        let values = Dictionary(uniqueKeysWithValues: settings.given.map { ($0.name, $0.value) })
        #expect(values["token_endpoint_auth_method"] == "client_secret_basic")
        #expect(values["resident"] == "false")
        #expect(values["patience"] == "2.5")
        #expect(TokenSource.Settings().given.isEmpty)
    }
}
