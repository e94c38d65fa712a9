### 控制台页面上的文字，与授权服务器的文字一同使用。
###
### 用词：连接、重新连接、断开、应用(OAuth 客户端)、服务器(MCP 服务器)、服务(提供方)。
### 参数：$client、$provider、$server、$user、$account 是名称，以粗体显示;$tool、$host、$scope、$error、$id 以等宽字体显示。
### { duration } 是一段时间，其参数取自它所在的句子。

## 连接

connect-title = 连接账户
connect-heading-app = { $client } 想要使用您的 { $provider } 账户
connect-heading-own = 连接您的 { $provider } 账户
connect-waits-tool = { $server } 的工具 { $tool } 正在等待它。
connect-waits-server = 服务器 { $server } 正在等待它。
connect-again = { $provider } 不再接受您之前建立的连接。若要继续使用，请重新连接。
connect-more = { $provider } 已连接。现在要做的事需要比您之前给予的更多权限。
connect-app = 应用
connect-app-unknown = 本站不知道此应用的地址。
connect-leads-to = 您将前往
connect-account = 账户
connect-account-chosen = 由您在 { $provider } 选择。
connect-account-former = { $account }，与之前相同
connect-user = 当前登录
connect-asked = 向 { $provider } 请求的内容
connect-asked-none = 没有特定内容。{ $provider } 会在自己的页面上说明它给予什么。
connect-asked-new = 新增
connect-kept = 应用永远看不到您的密钥、密码或令牌。它们被密封保存在这里，只随您让应用做的事一同使用。
connect-kept-own = 任何应用都看不到您的密钥、密码或令牌。它们被密封保存在这里，只随您让应用做的事一同使用。
connect-undo = 如何撤销
connect-undo-where = 您可随时在此页面撤销：
connect-undo-link = 您的连接
connect-key = API 密钥
connect-key-hint = 它只发送一次，密封保存，不再显示。
connect-key-made = 您可以在 { $provider } 账户的设置中找到它。
connect-key-made-at = 您可以在 { $address } 找到它。
connect-name = 在 { $provider } 的用户名
connect-password = 在 { $provider } 的密码
connect-password-hint = 它只发送一次，密封保存，不再显示。
connect-no = 暂不
connect-yes = 连接

## 之前出了什么问题（显示在再次询问的页面上）

problem-refused = { $provider } 没有连接该账户
problem-refused-meaning = 它的答复是 { $error }。没有建立任何连接。
problem-refused-said = 它的说明：{ $description }
problem-failed = 连接 { $provider } 时出了问题
problem-failed-meaning = 没有丢失任何内容，也没有建立任何连接。请重试。如果持续如此，请告知本站的管理员。
problem-failed-said = 详细信息：{ $description }
problem-secret = 这无法使用
problem-secret-meaning = 没有保存任何内容。请重新复制后再试一次。

## 已连接

connected-title = 已连接
connected-heading = { $provider } 已连接
connected-account = 账户是 { $account }。
connected-missing = 它没有允许 { $scope }。需要它的操作会再次请求。
connected-goes-on = 请回到 { $client }。在那里等待的事可以继续了。
connected-goes-on-own = 您允许的应用从现在起可以使用它。
connected-return = 返回 { $host }
connected-close = 您可以关闭此窗口。
connected-countdown = 距离此窗口关闭的秒数：
connected-close-now = 关闭

## 与之前不同的账户

account-title = 另一个账户
account-heading = 这是与之前不同的 { $provider } 账户
account-former = 之前
account-received = 现在
account-unnamed = 没有名称的账户
account-meaning = 尚未更改任何内容。代您使用 { $provider } 的一切仍在使用之前的账户。
account-replace = 改用新账户
account-replace-meaning = 与之前账户的连接将被终止。
account-keep = 两个都保留
account-keep-meaning = 从现在起使用新账户。之前的账户仍保留在您的连接中。
account-cancel = 取消
account-cancel-meaning = 新账户将被忘记。

## 链接或答复无法继续之处

outcome-remedy = 您可以怎么做
outcome-connections = 您的连接

outcome-other-user-what = 此链接是为另一位用户生成的
outcome-other-user-meaning = 您当前以 { $user } 的身份登录。此链接是为他人生成的，好让应用代表那个人行事。没有开始任何操作。
outcome-other-user-remedy = 如果它是为您的另一个用户名生成的，请用那个用户名登录。如果是别人发给您的，请关闭此页面：那个人可能想要得到您的账户。
outcome-other-user-switch = 以其他身份登录

outcome-closed-what = 此链接已失效
outcome-closed-meaning = 它未知或已过期。没有通过它建立任何连接。
outcome-closed-remedy = 请回到应用再次发起请求，它会得到新的链接。您也可以在“您的连接”页面自行连接账户。

outcome-declined-what = 没有建立任何连接
outcome-declined-meaning = 您选择了不连接 { $provider }。没有向它发送任何内容，应用也不会从它那里得到任何东西。
outcome-declined-remedy = 请关闭此页面并回到应用。如果改变主意，请让应用再次请求。

outcome-working-what = 正在连接
outcome-working-meaning = { $provider } 已经答复，正在处理其答复。此页面会自行刷新。
outcome-working-remedy = 请等待几秒钟。如果没有变化，请回到应用再次发起请求。

outcome-unused-what = 此答复无法使用
outcome-unused-meaning = 某个服务将您送回这里，但它的答复不属于您在此浏览器中发起的任何操作，或者已被使用，或者来得太晚。没有建立任何连接。
outcome-unused-remedy = 请回到您开始的地方重新开始。如果您没有开始任何操作，请关闭此页面。

## 连接列表

connections-title = 您的连接
connections-lead = 应用可以通过本站代您使用的其他服务账户。任何应用都看不到打开它们的凭据。
connections-none = 此处尚未设置任何服务。
connections-none-remedy = 本站的管理员在配置中添加服务。之后您可以在这里连接账户，或在应用请求时连接。
connections-nothing = 未连接。应用首次需要 { $provider } 时会请求连接。您也可以现在连接。
connections-team = 由您管理的团队 { $team } 共享。
connections-account = 账户
connections-scope = 已允许
connections-scope-none = { $provider } 默认给予的内容
connections-since = 连接于
connections-used = 上次使用
connections-used-never = 尚未使用
connections-ago = { duration }前
connections-state = 状态
connections-works = 正常
connections-broken = 需要重新连接
connections-default = 供应用使用
connections-reconnect = 重新连接
connections-disconnect = 断开
connections-connect = 连接
connections-another = 连接另一个账户
connections-choose = 使用此账户
connections-disconnect-meaning = 断开后立即失效；若该服务支持，也会通知它。
