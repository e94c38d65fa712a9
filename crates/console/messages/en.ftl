### What the pages of the console say, beside the messages of the authorization server.
###
### Words: connect, reconnect, disconnect, app (an OAuth client), server (an MCP server), service (a provider).
### In the arguments: $client, $provider, $server, $user and $account are names and appear in bold; $tool, $host, $scope,
### $error and $id appear in monospace. { duration } is a span of time and takes its arguments from the sentence it
### stands in.

## Connect

connect-title = Connect an account
connect-heading-app = { $client } wants to use your { $provider } account
connect-heading-own = Connect your { $provider } account
connect-waits-tool = The tool { $tool } of { $server } is waiting for it.
connect-waits-server = The server { $server } is waiting for it.
connect-again = { $provider } no longer accepts the connection that you made before. To use it on, connect again.
connect-more = { $provider } is connected already. What is to be done now needs more than you gave before.
connect-app = App
connect-app-unknown = This site knows no address of this app.
connect-leads-to = You go on to
connect-account = Account
connect-account-chosen = You choose it at { $provider }.
connect-account-former = { $account }, as before
connect-user = Signed in as
connect-asked = What { $provider } is asked for
connect-asked-none = Nothing in particular. { $provider } says on its own page what it gives.
connect-asked-new = New
connect-kept = The app never sees your key, password or token. They are kept here, sealed, and go only with what you have the app do.
connect-kept-own = No app ever sees your key, password or token. They are kept here, sealed, and go only with what you have an app do.
connect-undo = To undo
connect-undo-where = At any time, on the page
connect-undo-link = Your connections
connect-key = API key
connect-key-hint = It is sent once, kept sealed, and never shown again.
connect-key-made = You find it in the settings of your { $provider } account.
connect-key-made-at = You find it at { $address }.
connect-name = User name at { $provider }
connect-password = Password at { $provider }
connect-password-hint = It is sent once, kept sealed, and never shown again.
connect-no = Not now
connect-yes = Connect

## What went wrong before, on the page that asks again

problem-refused = { $provider } did not connect the account
problem-refused-meaning = It answered { $error }. Nothing was connected.
problem-refused-said = It says: { $description }
problem-failed = Connecting { $provider } went wrong
problem-failed-meaning = Nothing was lost and nothing was connected. Try again. If it lasts, tell the operator of this site.
problem-failed-said = In detail: { $description }
problem-secret = This cannot be used
problem-secret-meaning = Nothing was kept. Copy it again and try once more.

## Connected

connected-title = Connected
connected-heading = { $provider } is connected
connected-account = The account is { $account }.
connected-missing = It did not allow { $scope }. What needs that will ask again.
connected-goes-on = Go back to { $client }. What waited there can go on.
connected-goes-on-own = Apps that you allow can use it from now on.
connected-return = Back to { $host }
connected-close = You can close this window.
connected-countdown = Seconds until this window closes:
connected-close-now = Close

## Another account than before

account-title = Another account
account-heading = This is another { $provider } account than before
account-former = Before
account-received = Now
account-unnamed = An account without a name
account-meaning = Nothing has changed yet. Whatever uses { $provider } for you still uses the account from before.
account-replace = Use the new one instead
account-replace-meaning = The connection to the account from before is ended.
account-keep = Keep both
account-keep-meaning = The new one is used from now on. The one from before stays in your connections.
account-cancel = Cancel
account-cancel-meaning = The new one is forgotten.

## Where a link or an answer leads nowhere

outcome-remedy = What you can do
outcome-connections = Your connections

outcome-other-user-what = This link was made for another user
outcome-other-user-meaning = You are signed in as { $user }. The link was made for somebody else, so that an app can act for them. Nothing was started.
outcome-other-user-remedy = If it was made for you under another user name, sign in with that one. If somebody sent it to you, close this page: they may want your account for themselves.
outcome-other-user-switch = Sign in as somebody else

outcome-closed-what = This link is no longer open
outcome-closed-meaning = It is unknown, or too old. Nothing was connected by it.
outcome-closed-remedy = Go back to the app and ask it once more: it gets a new link. Or connect the account yourself on the page of your connections.

outcome-declined-what = Nothing was connected
outcome-declined-meaning = You chose not to connect { $provider }. Nothing was sent to it, and the app gets nothing from it.
outcome-declined-remedy = Close this page and go back to the app. Should you change your mind, ask the app once more.

outcome-working-what = Connecting
outcome-working-meaning = { $provider } has answered, and its answer is being worked on. This page looks again by itself.
outcome-working-remedy = Wait a few seconds. If nothing changes, go back to the app and ask it once more.

outcome-unused-what = This answer cannot be used
outcome-unused-meaning = A service sent you back here with an answer that belongs to nothing you have begun in this browser, or that was used already, or came too late. Nothing was connected.
outcome-unused-remedy = Go back to where you began and begin once more. If you have not begun anything, close this page.

## Connections

connections-title = Your connections
connections-lead = Accounts at other services that apps can use through this site, for you. No app ever sees what opens them.
connections-none = No service is set up here yet.
connections-none-remedy = The operator of this site adds services to its configuration. Then you can connect your accounts here, or when an app asks for one.
connections-nothing = Not connected. { $provider } is asked for when an app first needs it. You can also connect it now.
connections-team = Shared by the team { $team }, which you manage.
connections-account = Account
connections-scope = Allowed
connections-scope-none = What { $provider } gives without being asked
connections-since = Connected
connections-used = Last used
connections-used-never = Not yet
connections-ago = { duration } ago
connections-state = State
connections-works = Works
connections-broken = Has to be connected again
connections-default = Used by apps
connections-reconnect = Reconnect
connections-disconnect = Disconnect
connections-connect = Connect
connections-another = Connect another account
connections-choose = Use this one
connections-disconnect-meaning = Disconnecting ends it at once, here and at the service where it can be told.
