// An app that shares its login with its extensions, and says so where a person must sign in again.
//
// Needs a Mac: an app target with this file, the package Tokenward, and the App Group group.example.app.

import SwiftUI
import Tokenward

@main
struct SignInApp: App {
    @State private var login = Login()

    var body: some Scene {
        WindowGroup {
            ContentView(login: login)
                .safeAreaInset(edge: .top) { SignInBanner(login: login) }
                .task { await login.follow() }
        }
    }
}

/// What the views know of the login.
@MainActor @Observable
final class Login {
    /// Why a person must do something, nil while nothing is to be done.
    private(set) var trouble: TokenError?
    private let source: TokenSource?

    init() {
        do {
            let store = try TokenSource.Settings.appGroup("group.example.app")
            source = try TokenSource(
                .init(tokenURL: "https://id.example/token", clientID: "my-app", store: store))
        } catch {
            // A mistake in the project, not in what a person did: it shows in the first run.
            assertionFailure(error.message)
            source = nil
        }
    }

    /// Follows the news until the view goes away.
    func follow() async {
        guard let source else { return }
        for await event in source.events() {
            switch event.kind {
            case "reauth_required": trouble = event.error
            case "signed_in", "rotated", "adopted": trouble = nil
            default: break
            }
        }
    }

    /// Stores what the sign-in of the app has yielded.
    func signedIn(_ grant: Grant) async throws {
        try await source?.save(grant)
    }

    /// Returns the answer to a request.
    func profile() async throws -> String {
        guard let source, let url = URL(string: "https://api.example/me") else { return "" }
        let (data, _) = try await URLSession.shared.data(for: URLRequest(url: url), authorizedBy: source)
        return String(decoding: data, as: UTF8.self)
    }
}

/// Asks for a new sign-in where the old one has ended, and for nothing else: what passes is waited for.
struct SignInBanner: View {
    let login: Login

    var body: some View {
        if let trouble = login.trouble {
            HStack {
                Label("Please sign in again", systemImage: "person.crop.circle.badge.exclamationmark")
                Spacer()
                Button("Sign in") {
                    // ASWebAuthenticationSession, and at its end `login.signedIn(grant)`.
                }
            }
            .padding()
            .background(.yellow.opacity(0.3))
            .accessibilityHint(trouble.message)
        }
    }
}

struct ContentView: View {
    let login: Login
    @State private var text = ""

    var body: some View {
        Text(text)
            .task {
                do {
                    text = try await login.profile()
                } catch let error as TokenError {
                    // The banner speaks of a login that has ended; all else is told where it is missed.
                    text = error.act == "sign_in" ? "" : error.message
                } catch {
                    text = error.localizedDescription
                }
            }
    }
}
