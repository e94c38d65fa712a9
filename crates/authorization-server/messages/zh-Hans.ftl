### 授权服务器页面上的文字。
###
### 用词：登录、允许、拒绝、应用(OAuth 客户端)、服务器(MCP 服务器)。
### 参数：$client、$server、$user 是名称，以粗体显示;$host、$scheme、$scope、$id 以等宽字体显示。
### { duration } 是一段时间，其参数取自它所在的句子。

product = Vestibule

duration =
    { $unit ->
        [minutes] { $count } 分钟
        [hours] { $count } 小时
       *[days] { $count } 天
    }

## 字段

field-user-name = 用户名
field-password = 密码
field-password-again = 再次输入密码

## 登录

login-title = 登录
login-lead-host = 登录以继续前往 { $host } 上的 { $client }。
login-lead-this-computer = 登录以继续使用本机上的 { $client }。
login-lead-program = 登录以继续使用 { $client }（打开 { $scheme } 链接的程序）。
login-lead-account = 登录您的账户。
login-wrong-credentials = 用户名或密码不正确。请检查两者后重试。
login-locked = 此账户的登录尝试次数过多。请在 { duration }后重试。
login-submit = 登录

## 授权

consent-title = 允许访问
consent-heading = { $client } 想要使用 { $server }
consent-verified = 已验证的应用
consent-verified-meaning = 本站的管理员了解其运营者。
consent-unverified = 未验证的应用
consent-unverified-meaning = 没有人核实过它的运营者，名称只是它的自称。仅当这是您本人刚刚发起的操作时才继续。
consent-additional = 您曾经允许过此应用。它现在请求更多权限。
consent-returns-to = 返回到
consent-this-computer = 这只是本机：在本机上运行的任何程序都可能冒用此名称。
consent-program = 这是本设备上的程序：任何声明可打开 { $scheme } 链接的程序都可能接收结果。
consent-internationalised = 此域名包含 a 至 z 以外的字符，这里以编码形式显示。它可能在模仿您熟悉的域名。
consent-account = 您的账户
consent-not-you = 不是您？
consent-server = 服务器
consent-scopes = 它将能够
consent-scopes-new = 它还请求能够
consent-scopes-known = 您已允许它
consent-scopes-none = 它没有请求特定的权限。它能做什么由服务器决定。
consent-scope-undescribed = 使用 { $scope }（服务器未作说明）
consent-scope-offline = 在您离开时保持连接
consent-scope-changes = 可更改或删除
consent-scope-new = 新增
consent-lasts = 有效期
consent-lasts-for = { duration }。
consent-lasts-while-used = 直到您撤回，或应用连续 { duration }未使用。
consent-withdraw = 如何撤回
consent-withdraw-yourself = 您可随时在此页面撤回：
consent-withdraw-link = 您允许的应用
consent-withdraw-operator = 您可随时请本站的管理员撤回。
consent-allow = 允许
consent-deny = 拒绝

## 错误：发生了什么、意味着什么、该怎么做

error-remedy = 您可以怎么做
error-detail = 供应用开发者参考
error-reference = 参考编号 { $id } · 状态 { $status }

error-unknown-client-what = 本站不认识此应用
error-unknown-client-meaning = 某个应用请您来此登录，但本站没有它的记录。它的注册可能已过期，或者链接有误。没有共享任何信息。
error-unknown-client-remedy = 请回到该应用，移除与此服务器的连接后重新添加，应用便会重新注册。

error-unknown-redirect-uri-what = 应用请求返回到一个未注册的地址
error-unknown-redirect-uri-meaning = 该地址可能属于他人，因此不会将您送往那里。没有共享任何信息。
error-unknown-redirect-uri-remedy = 请回到该应用重新开始。如果再次发生，请移除与此服务器的连接后重新添加，或告知应用的开发者。

error-invalid-request-what = 无法理解应用的请求
error-invalid-request-meaning = 某个应用带着不完整或格式错误的请求将您送到这里。没有共享任何信息。
error-invalid-request-remedy = 请回到该应用重新开始。如果再次发生，说明应用有缺陷，请告知其开发者。

error-expired-transaction-what = 此请求已失效
error-expired-transaction-meaning = 它等待过久、已被答复，或是在另一个浏览器中打开的。此页面没有共享任何信息。
error-expired-transaction-remedy = 请回到应用重新开始。

error-foreign-form-what = 此表单并非来自本站
error-foreign-form-meaning = 可能有其他网站试图以您的名义作答。该答复已被拒绝，没有任何更改。
error-foreign-form-remedy = 如果是您本人在这里填写的表单，请回到应用重新开始。否则请关闭此页面。

error-invalid-set-up-link-what = 此链接无法使用
error-invalid-set-up-link-meaning = 每个设置或邀请链接只能使用一次，且有时限。此链接未知、已被使用或已过期。
error-invalid-set-up-link-remedy = 如果您已设置过密码，请登录。否则请向本站的管理员索取新链接。

error-too-many-requests-what = 请求过多
error-too-many-requests-meaning = 为了让所有人都能使用，本站同时只处理有限的请求。没有任何更改。
error-too-many-requests-remedy = 请等待一分钟后重试。

error-not-found-what = 没有这个页面
error-not-found-meaning = 地址有误，或页面已移动。
error-not-found-remedy = 请检查地址，或返回您来的地方。

error-unavailable-what = 本站暂时无法答复
error-unavailable-meaning = 本站所需的某个部分无法连接。您之前允许的内容均已保留。
error-unavailable-remedy = 请在一分钟后重试。如果持续如此，请将下方的参考编号告知本站的管理员。

error-internal-what = 本站出了问题
error-internal-meaning = 这是本站的故障，与您和应用无关。问题已被记录。
error-internal-remedy = 请重试。如果再次发生，请将下方的参考编号告知本站的管理员。

## 设置与邀请

set-up-title = 设置 Vestibule
set-up-lead = 创建第一个账户。它属于此服务器的管理员。
set-up-invitation-title = 接受邀请
set-up-invitation-lead = 请选择您今后登录所用的密码。
set-up-user-name-hint = 字母、数字和 . _ @ + -（最多 64 个）。
set-up-user-name-fixed = 由本站的管理员指定。
set-up-user-name-taken = 此用户名已被使用。请另选一个。
set-up-user-name-invalid = 此用户名无法使用。请使用字母、数字和 . _ @ + -（最多 64 个）。
set-up-password-hint = 至少 { $minimum } 个字符。长度比符号更重要：几个互不相关的词就是好密码。
set-up-password-too-short = 密码太短。请至少使用 { $minimum } 个字符。
set-up-password-too-common = 此密码属于最先被猜到的密码。请另选一个。
set-up-passwords-differ = 两次输入的密码不一致。请重新输入。
set-up-submit = 创建账户
set-up-done-title = 您的账户已就绪
set-up-done-lead = 当应用请求时，您可以用 { $user } 登录。

## 首页

home-title = MCP 服务器
home-lead = 将以下任一地址提供给您的应用。它会带您来此登录，并由您决定它可以做什么。
home-none = 此处尚未配置 MCP 服务器。
home-account = 您的账户
home-signed-in = 当前以 { $user } 的身份登录
home-sign-out = 退出登录
home-connections = 您与其他服务的连接
home-sign-in = 登录以查看您与其他服务的连接

## 已退出

signed-out-title = 您已退出登录
signed-out-lead = 您允许的应用仍保有访问权限，直到您撤回。

## 返回应用的途中

onward-title = 返回应用
onward-heading = 返回 { $client }
onward-host = 正在将您的答复带往 { $host }。
onward-this-computer = 正在将您的答复带往本机上的应用。
onward-late = 如果没有反应，请选择“继续”。
onward-continue = 继续

## 前往未验证的应用之前

leave-title = 离开之前
leave-heading = { $client } 的请求失败了
leave-meaning = 该应用请求了此服务器不提供的内容。没有向您询问任何事项，也没有共享任何信息。
leave-error = 错误
leave-remedy = 您可以关闭此页面。如果是您本人刚刚启动的应用，可以返回并让它知晓。
leave-return = 返回到 { $host }
