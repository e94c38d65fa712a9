### What the pages of the authorization server say.
###
### Words: sign in (not log in), allow, deny, app (an OAuth client), server (an MCP server).
### In the arguments: $client, $server and $user are names and appear in bold; $host, $scheme, $scope and $id appear
### in monospace. { duration } is a span of time and takes its arguments from the sentence it stands in.

product = Vestibule

duration =
    { $unit ->
        [minutes]
            { $count ->
                [one] 1 minute
               *[other] { $count } minutes
            }
        [hours]
            { $count ->
                [one] 1 hour
               *[other] { $count } hours
            }
       *[days]
            { $count ->
                [one] 1 day
               *[other] { $count } days
            }
    }

## Fields

field-user-name = User name
field-password = Password
field-password-again = Password, once more

## Sign in

login-title = Sign in
login-lead-host = Sign in to continue to { $client } at { $host }.
login-lead-this-computer = Sign in to continue to { $client } on this computer.
login-lead-program = Sign in to continue to { $client }, the program that opens { $scheme } links.
login-lead-account = Sign in to your account.
login-wrong-credentials = The user name or the password is wrong. Check both and try again.
login-locked = There were too many attempts to sign in to this account. Try again in { duration }.
login-submit = Sign in

## Consent

consent-title = Allow access
consent-heading = { $client } wants to use { $server }
consent-verified = Verified app
consent-verified-meaning = The operator of this site knows who runs it.
consent-unverified = Unverified app
consent-unverified-meaning = Nobody has checked who runs it; the name is only what it calls itself. Go on only if you have just started this yourself.
consent-additional = You have allowed this app before. It now asks for more.
consent-returns-to = Returns to
consent-this-computer = This is only this computer: any program running on it could be using this name.
consent-program = This is a program on this device: any program that has claimed { $scheme } links could answer.
consent-internationalised = This name has letters beyond a to z, shown here in coded form. It may imitate a name you know.
consent-account = Your account
consent-not-you = Not you?
consent-server = Server
consent-scopes = It will be able to
consent-scopes-new = It asks, in addition, to
consent-scopes-known = You have already allowed it to
consent-scopes-none = It asks for nothing in particular. What it can do is up to the server.
consent-scope-undescribed = Use { $scope }, which the server does not explain
consent-scope-offline = Stay connected while you are away
consent-scope-changes = Can change or delete
consent-scope-new = New
consent-lasts = Lasts
consent-lasts-for = For { duration }.
consent-lasts-while-used = Until you withdraw it, or until the app has not used it for { duration }.
consent-withdraw = To withdraw
consent-withdraw-yourself = At any time, on the page
consent-withdraw-link = Apps you have allowed
consent-withdraw-operator = Ask the operator of this site, at any time.
consent-allow = Allow
consent-deny = Deny

## Errors: what happened, what it means, what to do

error-remedy = What you can do
error-detail = For the developer of the app
error-reference = Reference { $id } · status { $status }

error-unknown-client-what = This app is not known here
error-unknown-client-meaning = An app sent you here to sign in, but this site has no record of it. Its registration may have expired, or the link may be wrong. Nothing was shared.
error-unknown-client-remedy = Go back to the app, remove the connection to this server and add it again. The app then registers anew.

error-unknown-redirect-uri-what = The app asked to return to an address it has not registered
error-unknown-redirect-uri-meaning = The address could belong to somebody else, so you are not sent there. Nothing was shared.
error-unknown-redirect-uri-remedy = Go back to the app and start again. If it happens again, remove the connection to this server and add it anew, or tell the developer of the app.

error-invalid-request-what = The request of the app cannot be understood
error-invalid-request-meaning = An app sent you here with a request that is incomplete or malformed. Nothing was shared.
error-invalid-request-remedy = Go back to the app and start again. If it happens again, the app has a fault: tell its developer.

error-expired-transaction-what = This request is no longer open
error-expired-transaction-meaning = It took too long, was already answered, or was opened in another browser. Nothing was shared by this page.
error-expired-transaction-remedy = Go back to the app and start again.

error-foreign-form-what = This form did not come from this site
error-foreign-form-meaning = Another site may have tried to answer in your name. The answer was refused and nothing was changed.
error-foreign-form-remedy = If you filled in the form here yourself, go back to the app and start again. Otherwise close this page.

error-invalid-set-up-link-what = This link cannot be used
error-invalid-set-up-link-meaning = Each set-up or invitation link works once and for a limited time. This one is unknown, used or too old.
error-invalid-set-up-link-remedy = If you have chosen a password already, sign in. Otherwise ask the operator of this site for a new link.

error-too-many-requests-what = Too many requests
error-too-many-requests-meaning = This site answers only so many requests at a time, to stay available for everybody. Nothing was changed.
error-too-many-requests-remedy = Wait a minute, then try again.

error-not-found-what = There is no such page
error-not-found-meaning = The address is wrong, or the page has moved.
error-not-found-remedy = Check the address, or go back to where you came from.

error-unavailable-what = This site cannot answer just now
error-unavailable-meaning = A part that it needs cannot be reached. What you have allowed before is kept.
error-unavailable-remedy = Try again in a minute. If it lasts, tell the operator of this site the reference below.

error-internal-what = Something went wrong on this site
error-internal-meaning = The fault is ours, not yours and not the app’s. It has been recorded.
error-internal-remedy = Try again. If it happens again, tell the operator of this site the reference below.

## Set-up and invitation

set-up-title = Set up Vestibule
set-up-lead = Create the first account. It belongs to the operator of this server.
set-up-invitation-title = Accept your invitation
set-up-invitation-lead = Choose the password that you will sign in with.
set-up-user-name-hint = Letters, digits and . _ @ + - (64 at most).
set-up-user-name-fixed = Chosen by the operator of this site.
set-up-user-name-taken = Somebody already has this user name. Choose another.
set-up-user-name-invalid = This user name cannot be used. Use letters, digits and . _ @ + - (64 at most).
set-up-password-hint =
    { $minimum ->
        [one] At least 1 character. Length counts more than symbols: a few unrelated words make a good password.
       *[other] At least { $minimum } characters. Length counts more than symbols: a few unrelated words make a good password.
    }
set-up-password-too-short =
    { $minimum ->
        [one] The password is too short. Use at least 1 character.
       *[other] The password is too short. Use at least { $minimum } characters.
    }
set-up-password-too-common = This password is among the first that are guessed. Choose another.
set-up-passwords-differ = The two passwords are not the same. Type both again.
set-up-submit = Create account
set-up-done-title = Your account is ready
set-up-done-lead = You can sign in as { $user } when an app asks you to.

## Front page

home-title = MCP servers
home-lead = Give one of these addresses to your app. It will bring you here to sign in and to decide what it may do.
home-none = No MCP server is configured here yet.
home-account = Your account
home-signed-in = Signed in as { $user }
home-sign-out = Sign out
home-connections = Your connections to other services
home-sign-in = Sign in to see your connections to other services

## Signed out

signed-out-title = You are signed out
signed-out-lead = Apps that you have allowed keep their access until you withdraw it.

## On the way back to an app

onward-title = Back to the app
onward-heading = Back to { $client }
onward-host = Your answer is being taken to { $host }.
onward-this-computer = Your answer is being taken to the app on this computer.
onward-late = If nothing happens, choose Continue.
onward-continue = Continue

## Before leaving for an unverified app

leave-title = Before you leave
leave-heading = The request of { $client } failed
leave-meaning = The app asked for something that this server does not give. You were not asked anything, and nothing was shared.
leave-error = Error
leave-remedy = You can close this page. If you have just started the app yourself, you can go back and let it know.
leave-return = Return to { $host }
