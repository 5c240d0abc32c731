#include "normalize/placeholder.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <string>
#include <utility>

#include "normalize/ascii.h"
#include "normalize/email_facts.h"
#include "normalize/text.h"
#include "normalize/word_table.h"

namespace identity_resolve::normalize {

namespace {

// ---- the list ----
//
// Only what cannot be somebody's own id. A person may be called Null, Nat or Inf, and may choose
// the handle `array`, `nothing` or `infinity`: none of these is here. An address is here only with
// its domain, or with a name that no person bears: null@gmx.de may well be somebody.

constexpr std::string_view kSegment =
    "Segment Unify, blocked values: "
    "https://www.twilio.com/docs/segment/unify/identity-resolution/identity-resolution-settings";
constexpr std::string_view kMixpanel =
    "Mixpanel, ids that it rejects: "
    "https://docs.mixpanel.com/troubleshooting/errors/server-side-events-without-a-user";
constexpr std::string_view kPostHog =
    "PostHog, ids that it does not merge: https://posthog.com/docs/data/identify";
constexpr std::string_view kAddress = "what people and tests type where an address is wanted";
constexpr std::string_view kOption = "block_placeholders";

// Words of one source, with bars between them.
struct Words {
  std::string_view words;
  std::string_view source;
  bool is_of_01 = false;  // version 0.1 had them already
};

// What programs call "no value", also in brackets or quotes.
constexpr std::string_view kNulls =
    "null|nil|none|n/a|na|nan|nat|nul|undefined|unknown|unset|unspecified|empty|blank|missing|"
    "not set|not provided|not available|not applicable|not specified|not found|not defined|"
    "no value|no data|data not available|dbnull|nonetype|nullptr";
// Likewise, of what may be an honest text where it identifies nobody.
constexpr std::string_view kNobodies =
    "nothing|void|other|anonymous|anon|guest|deleted|redacted|removed|hidden|filtered|private|"
    "circular|object|error|invalid|default";
// What columns and properties are called, likewise: the names stand where values should be.
constexpr std::string_view kNames =
    "id|uid|userid|user_id|user id|anonymousid|anonymous_id|distinctid|distinct_id|deviceid|"
    "device_id|customerid|customer_id|contactid|contact_id|clientid|client_id|visitorid|visitor_id|"
    "externalid|external_id|profileid|profile_id|leadid|lead_id|accountid|account_id|email|e-mail|"
    "email_address|emailaddress|email address|user_email|phone|phone_number|phonenumber|"
    "phone number|username|user_name|first_name|firstname|first name|last_name|lastname|last name|"
    "full_name|fullname|full name|idfa|gaid|aaid|gclid|fbclid|android_id|advertising_id|click_id|"
    "clickid|user.id|user.email|contact.id|contact.email|customer.id|customer.email|lead.id";
// Those of them that nobody would take for a name of his own.
constexpr std::string_view kOwnNames =
    "anonymousid|anonymous_id|userid|user_id|deviceid|device_id|customerid|customer_id|contactid|"
    "contact_id|clientid|client_id|visitorid|visitor_id|externalid|external_id|profileid|"
    "profile_id|leadid|lead_id|accountid|account_id|email_address|emailaddress|email address|"
    "e-mail|user_email|phone_number|phonenumber|phone number";

constexpr auto kWordLists = std::to_array<Words>({
    {"-1|null|anonymous", kSegment, true},
    {"nil|<nil>|none|n/a|na|undefined|unknown|anon|true|false|[]|{}", kMixpanel, true},
    {"lmy47d", kMixpanel},
    {"nan|[object object]|guest|not_authenticated|id|distinct_id|distinctid|email", kPostHog, true},
    {"(none)", "Amplitude and Google Analytics write it where there is no value", true},
    {"(not set)", "Google Analytics writes it where there is no value", true},
    {"(not provided)|(data not available)|(other)",
     "Google Analytics writes it where there is no value"},
    {"\\n|\\\\n|\\\\\\n",
     "a null in PostgreSQL's, MySQL's, Hive's and Snowflake's text files, written once or twice"},
    {"__hive_default_partition__|__null__|__none__|__undefined__|_null_|null_value|null value|"
     "$null$|#null|@null|null::text|null::varchar|null::character varying|null::bpchar|"
     "null::uuid|null::bigint|null::integer|null::int|null::numeric|null::json|null::jsonb|"
     "null::unknown|null;|null,|null.",
     "a null as Hive, loaders and hand-made exports write it"},
    {"dbnull|dbnull.value|system.dbnull|nullptr|nonetype|nulltype|none.none|optional.empty|"
     "optional(nil)|kotlin.unit|std::nullopt|system.object|java.lang.object|stdclass|"
     "undefinedundefined|nullnull|nonenone|nannan|null null|undefined undefined|none none|"
     "nan nan|null, null|null_null|undefined_undefined|null-null|undefined-undefined|null.null|"
     "undefinednull|nullundefined|undefined-null|null-undefined|undefined_null|null_undefined|"
     "undefined null|null undefined|null@null|undefined@undefined|null-null-null|nan-nan-nan|"
     "optional[null]|optional(\"\")|some(null)|some(none)|none()|just nothing|nattype|pd.na|"
     "pd.nat|np.nan|numpy.nan|float('nan')|decimal('nan')|b''|u''|b'none'|u'none'|na_character_|"
     "na_integer_|na_real_|character(0)|integer(0)|numeric(0)|logical(0)|list()|map[]|"
     "<invalid value>|<invalid reflect.value>|:nil|nil:nilclass|nilclass|userdata: null|"
     "userdata: (nil)|system.string|system.string[]|system.object[]|system.byte[]|system.int32|"
     "system.int64|system.guid|array()|[function]|function () { [native code] }|"
     "function() { [native code] }|promise { <pending> }|[object: null prototype] {}|"
     "invalid date|0001-01-01t00:00:00|0001-01-01t00:00:00z|0001-01-01 00:00:00|"
     "0001-01-01 00:00:00 +0000 utc|java.lang.nullpointerexception",
     "a null as C#, Go, Java, JavaScript, Kotlin, Lua, Python, R, Ruby, Rust and Swift write "
     "it, or two of them joined"},
    {"__debezium_unavailable_value|unchanged-toast-datum",
     "a value that did not change, as Debezium and PostgreSQL's logical decoding write it"},
    {"no match row id|- none -|::uniques_exceeded::|(low traffic)|(direct)",
     "nothing, as Siebel, NetSuite, Adobe Analytics and Google Analytics write it"},
    {"\\x|\\0|\\u0000|\\null|\\r|\\t|\\r\\n", "no bytes, an empty byte or a blank, as an escape"},
    {"+inf|-inf|+infinity|-infinity|-nan|+nan|1.#inf|-1.#inf|1.#qnan|-1.#ind|1.#ind|-1.#inf00|"
     "-1.#ind00|1.#qnan0|-1.#qnan|-1.0|-1.00",
     "no number, or -1 for none, as C, Java and Python write it"},
    {"#n/a|#na|#n/a!|#n/d|#n/v|#nv|#i/t|#ref!|#value!|#name?|#div/0!|#num!|#null!|#spill!|"
     "#calc!|#error!|#field!|#unknown!|#blocked!|#connect!|#busy!|#external!|#python!|"
     "#getting_data|#bezug!|#wert!|#zahl!|#nul!|#valeur!|#nombre!|#nom?|#valor!|#nome?|#arg!|"
     "#adr!|#liczba!|#nazwa?|#n/a n/a|=na()|#n/b|#waarde!|#verw!|#naam?|#deel/0!|#getal!|#leeg!|"
     "#yok|#ad?|#sayi!|#sayi/0!|#referens!|#namn?|#saknas!|#ogiltigt!|#division/0!|#verdi!|"
     "#reference!|#navn?|#i/t!|#puuttuu!|#arvo!|#viittaus!|#nimi?|#jako/0!|#hodnota!|#odkaz!|"
     "#hiv!|err:502|err:503|err:504|err:508|err:509|err:520|err:522|err:523|#####",
     "the errors of Excel, Google Sheets and LibreOffice, in several languages"},
    {kOwnNames, "the column's or the property's own name where its value should be"},
    {"user id|user-id|your_user_id|your-user-id|your user id|youruserid|your_user_id_here|"
     "your_id|your_email|your-email|your_username|your-username|user_id_here|"
     "insert_user_id_here|insert_id_here|missing_user_id|visitor-unique-id|account-unique-id|"
     "replace_with_user_id",
     "what the manuals of SDKs have where one's own id is to stand"},
    {"not set|not provided|not available|not applicable|not specified|no value|no data|no email|"
     "no e-mail|no phone|keine angabe|sin datos|sans objet|non renseigne|non communique|geen|"
     "not_set|not_provided|not_available|not_applicable|not_specified|not-set|not-provided|"
     "no_value|no_data|no_email|no_phone|::empty::|::unspecified::|unspecified|_unknown|"
     "_undefined|_none|anonymous_user|anonymous user|guest_user|guest user|unknown user|"
     "unknown_user|deleted user|deleted_user|anonymous-user|guest-user|unknown-user|"
     "deleted-user|anon_user|anon-user|no_user|no-user|no user|no_id|no-id|no id|unknown_device|"
     "unknown-device|unknown device|unknowndevice|no_device|no-device|none provided|not given|"
     "not_authenticated_user|not authenticated|not logged in|not_logged_in|not-logged-in|"
     "notloggedin|logged_out|logged-out|logged out|unauthenticated|$anonymous|$unknown|$device:|"
     "gdpr_deleted|gdpr-deleted|gdpr deleted|gdpr_erased|anonymized|anonymised|pseudonymized|"
     "n\\a|n/d|n/v|n/s|s/d|no aplica|no disponible|no informado|nao informado|non disponibile|"
     "nicht angegeben|nicht vorhanden|brak danych",
     "what forms, shops and trackers write for no answer and for nobody"},
    {"&nbsp;|&#160;|&#0;|&lt;null&gt;|&lt;none&gt;|&quot;&quot;|<br>|<br/>|<br />|<p></p>|%s|%d|"
     "%@|%v|%i|%u|%x|%r|%f|%20|%00|%null%|%22%22|%27%27|%22null%22|%5bobject%20object%5d|"
     "%5bobject+object%5d",
     "nothing, as HTML, URLs and format strings write it"},
    {"__uid__|__userid__|__idfa__|__imei__|__oaid__|__androidid__|__udid__|__clickid__|__mac__|"
     "__ip__|__ua__|__cid__|__callback__|eloquaemail",
     "macros of advertising and mail servers that were not filled in"},
    {"000000000000000aaa", "Salesforce's empty key, in the form of 18 characters"},
    {"urn:uuid:00000000-0000-0000-0000-000000000000|uuid:00000000-0000-0000-0000-000000000000|"
     "00000000-0000-4000-8000-000000000000|objectid(\"000000000000000000000000\")|"
     "objectid('000000000000000000000000')",
     "the nil UUID with a prefix, or with its version; MongoDB's empty id"},
    {"-2147483648|-9223372036854775808|9223372036854775807|18446744073709551615",
     "the ends of the 32-bit and 64-bit numbers, where a counter or a cast overflowed"},
    {"02:00:00:00:00:00", "the MAC address that Android tells every app since version 6"},
    {"d41d8cd98f00b204e9800998ecf8427e", "the hash of an empty string: MD5 (RFC 1321)", true},
    {"d41d8cd9-8f00-b204-e980-0998ecf8427e|1b2m2y8asgtpgamy7phcfg==",
     "the hash of an empty string: MD5 (RFC 1321)"},
    {"da39a3ee5e6b4b0d3255bfef95601890afd80709", "the hash of an empty string: SHA-1 (FIPS 180-4)",
     true},
    {"2jmj7l5rsw0yvb/vlwaykk/ybwk=", "the hash of an empty string: SHA-1 (FIPS 180-4)"},
    {"d14a028c2a3a2bc9476102bb288234c415a2b01f828ea62ac5b3e42f",
     "the hash of an empty string: SHA-224 (FIPS 180-4)", true},
    {"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
     "the hash of an empty string: SHA-256 (FIPS 180-4)", true},
    {"47deqpj8hbsa+/timw+5jceuqerkm5nmpjwzg3hsufu=",
     "the hash of an empty string: SHA-256 (FIPS 180-4)"},
    {"38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f148"
     "98b95b",
     "the hash of an empty string: SHA-384 (FIPS 180-4)", true},
    {"cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d287"
     "7eec2f63b931bd47417a81a538327af927da3e",
     "the hash of an empty string: SHA-512 (FIPS 180-4)", true},
    {"37a6259cc0c1dae299a7866489dff0bd|6c3e226b4d4795d518ab341b0824ec29|"
     "bbb93ef26e3c101ff11cdd21cab08a94|5e543256c480ac577d30f76f9120eb74|"
     "334c4a4c42fdb79d7ebc3e73b517e6f8|6adf97f83acf6453d4a6a4b1070f3754|"
     "a3d2de7675556553a5f08e4c88d2c228|7ecfb3bf076a6a9635f975fe96ac97fd|"
     "852438d026c018c4307b916406f98c62|274b68192b056e268f128ff63bfcd4a4|"
     "382b0f5185773fa0f67a8ed8056c7759|ad921d60486366258809553a3db49a4a|"
     "cfcd208495d565ef66e7dff9f98764da|6bb61e3b7bce0931da574d19d1d82c88|"
     "7215ee9c7d9dc229d2921a40e899ec5f|68934a3e9455fa72420237eb05902327",
     "the MD5 hash of null, undefined, none, nan, nil, n/a, unknown, 0, -1, false or a blank"},
    {"2be88ca4242c76e8253ac62474851065032d6833|eef19c54306daa69eda49c0272623bdb5e2b341f|"
     "109085beaaa80ac89858b283a64f7c75d7e5bb12|d5d4cd07616a542891b7ec2d0257b3a24b69856e|"
     "71f8e7976e4cbc4561c9d62fb283e7f788202acb|6eef6648406c333a4035cd5e60d0bf2ecf2606d7|"
     "11e623a37e87cf7995c466723ec99688d55cae8c|f7fd9c68f804acda665d2ab082217bb1583318f2|"
     "b5366a2d2ac98dae978423083f8b09e5cddc705d|50f013532a9770a2c2cfdc38b7581dd01df69b70|"
     "08d2e98e6754af941484848930ccbaddfefe13d6|50d8b4a941c26b89482c94ab324b5a274f9ced66|"
     "b6589fc6ab0dc82cf12099d1c2d40ab994e8410c|7984b0a0e139cabadb5afc7756d473fb34d23819|"
     "b858cb282617fb0956d960215c8e84d1ccf909c6|7cb6efb98ba5972a9b5090dc2e517fe14d12cb04",
     "the SHA-1 hash of null, undefined, none, nan, nil, n/a, unknown, 0, -1, false or a blank"},
    {"74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b|"
     "fb329000228cc5a24c264c57139de8bf854fc86fc18bf1c04ab61a2b5cb4b921|"
     "fa1d2db62d4d952e2031452e1bc1ddcad0b192c2e29a706f11ce426ae5acddea|"
     "eb045d78d273107348b0300c01d29b7552d622abbc6faf81b3ec55359aa9950c|"
     "140bedbf9c3f6d56a9846d2ba7088798683f4da0c248231336e6a05679e4fdfe|"
     "dc937b59892604f5a86ac96936cd7ff09e25f18ae6b758e8014a24c7fa039e91|"
     "9b2d5b4678781e53038e91ea5324530a03f27dc1d0e5f6c9bc9d493a23be9de0|"
     "d5b592c05dc25b5032553f1b27f4139be95e881f73db33b02b05ab20c3f9981e|"
     "5da3a4c7f117944275b4c8629c4916403625d5a4a6573a01ecb03f0e9d2edbe6|"
     "a683c5c5349f6f7fb903ba8a9e7e55d0ba1b8f03579f95be83f4954c33e81098|"
     "e2f79e5b60330bba4c289962231b6ba2957d0b14e7deb3110417003c79dea635|"
     "b23a6a8439c0dde5515893e7c90c1e3233b8616e634470f20dc4928bcf3609bc|"
     "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9|"
     "1bad6b8cf97131fceab8543e81f7757195fbb1d36b376ee994ad1cf17699c464|"
     "36a9e7f1c95b82ffb99743e0c5c4ce95d83c9a430aac59f84ef3cbfab6145068|"
     "fcbcf165908dd18a9e49f7ff27810176db8e9f63b4352213741664245224f8aa",
     "the SHA-256 hash of null, undefined, none, nan, nil, n/a, unknown, 0, -1, false or a blank"},
    {"9774d56d682e549c",
     "one ANDROID_ID that many devices share: https://issuetracker.google.com/issues/36917242",
     true},
    {"test@test.com|test@example.com|user@example.com|example@example.com|null@null.com|"
     "none@none.com|na@na.com|noemail@noemail.com|undefined@undefined.com",
     kAddress, true},
    {"example@email.com|email@email.com|test@email.com|sample@email.com|name@email.com|"
     "none@email.com|no@email.com|na@email.com|unknown@email.com|fake@email.com|null@email.com|"
     "sample@sample.com|testing@testing.com|testing@example.com|email@example.com|"
     "name@example.com|sample@email.tst|wapuu@wordpress.example|email@domain.com|"
     "name@domain.com|user@domain.com|test@domain.com|name@company.com|email@company.com|"
     "email@address.com|asdf@asdf.com|qwerty@qwerty.com|foo@bar.com|xxx@xxx.com|123@123.com|"
     "fake@fake.com|no@no.com|nomail@nomail.com|unknown@unknown.com|unknown@unknown.invalid|"
     "guest@guest.com|customer@customer.com|noone@nowhere.com|nobody@nowhere.com|"
     "none@nowhere.com|no@mail.com|nomail@mail.com|email@mail.com|mail@mail.com|test@mail.com|"
     "test@testing.com|test1@test.com|test123@test.com|testing@test.com|tester@test.com|"
     "test@test.de|test@test.fr|test@test.it|test@test.es|test@test.nl|test@test.ru|"
     "test@test.net|test@test.org|test@test.co|test@test.co.uk|test@test.test|a@a.aa|aa@aa.com|"
     "aaa@aaa.com|abc@abc.com|abcd@abcd.com|abc@xyz.com|xyz@xyz.com|asd@asd.com|qwe@qwe.com|"
     "asdfasdf@asdf.com|foo@foo.com|bar@foo.com|xxxx@xxxx.com|xxxxx@xxxxx.com|dummy@dummy.com|"
     "spam@spam.com|nospam@nospam.com|temp@temp.com|demo@demo.com|anonymous@anonymous.com|"
     "anon@anon.com|nil@nil.com|user@user.com|user@email.com|user@mail.com|user@company.com|"
     "username@domain.com|your@email.com|you@email.com|you@domain.com|example@domain.com|"
     "example@mail.com|sample@domain.com|invalid@invalid.com|invalid@email.com|"
     "hidden@hidden.com|private@private.com|placeholder@placeholder.com|email@notprovided.com|"
     "no@thanks.com|someone@somewhere.com|username@example.com|null@example.com|"
     "undefined@example.com|none@example.com|invalid@example.com|sample@example.com|"
     "dummy@example.com|someone@example.com|root@localhost.localdomain",
     "what forms, shops and vulnerability scanners put in where an address is wanted"},
    {"+12345678900|+12345678901|+33123456789|+442012345678",
     "ascending digits that no plan assigns: what people type where a form wants a number"},
    {"+447777777777", "one digit throughout: what people type where a form wants a number"},
    {"+8613800138000", "China Mobile's own number, which forms in China show as the example"},
});

// Words with letters beyond ASCII. The list shows them as patterns, whose escapes every encoding
// has.
constexpr std::string_view kForeignErrors =
    "#değer!|#başv!|#boş!|#н/д|#знач!|#ссылка!|#имя?|#дел/0!|#число!|#пусто!|#värdefel!|#værdi!|"
    "#název?|#érték!|#hiányzik|#név?";
constexpr std::string_view kForeignNulls =
    "non renseigné|non communiqué|non défini|não informado|não se aplica|nicht verfügbar|"
    "не указано|не указан|нет данных|なし|不明|未設定|未填写|暂无|없음";

// Names before the @ that no person bears.
constexpr std::string_view kNobody =
    "noemail|no-email|no_email|no\\.email|nomail|no-mail|no_mail|no\\.mail|noemailaddress|"
    "no-email-address|noemailprovided|noemailgiven|noemailavailable|noemailonfile|hasnoemail|"
    "donthaveemail|notprovided|not-provided|not_provided|notavailable|not-available|not_available|"
    "notapplicable|not-applicable|emailnotprovided|emailnotavailable|unknownemail|unknown-email|"
    "unknown_email|missingemail|missing-email|invalidemail|invalid-email|fakeemail|dummyemail|"
    "deleted|deleteduser|deleted-user|deleted_user|deletedaccount|deleted-account|redacted|"
    "anonymized|anonymised|anonymizeduser|anonymiseduser|anonymized-user|gdpr-deleted|"
    "gdpr-removed|youremail|your-email|your_email|your\\.email|yourname|your-name|your_name|"
    "your\\.name|your-email-address|youremailaddress|emailaddress|email-address|email_address|"
    "no\\.email\\.provided|no_email_provided|no-email-provided|no\\.email\\.given|no_email_given|"
    "no-email-given|no\\.email\\.address|no_email_address|nocustomeremail|donothaveemail|"
    "not\\.provided|not\\.available|declinedemail|emaildeclined|refusedemail|emailrefused|"
    "customerdeclined|customerrefused|declined-email|refused-email|placeholder|placeholderemail|"
    "anonymized_user|anonymised_user|anonymised-user|deleted\\.user|deleted_account|"
    "deleted\\.account|gdpr_deleted|gdprdeleted|gdpr\\.deleted";

// Strings put together at compile time.
template <const std::string_view&... Parts>
struct Joined {
  static constexpr auto kText = [] {
    std::array<char, (Parts.size() + ... + 0)> text{};
    std::size_t at = 0;
    const auto add = [&](std::string_view part) {
      for (const char c : part) text[at++] = c;
    };
    (add(Parts), ...);
    return text;
  }();
  static constexpr std::string_view kView{kText.data(), kText.size()};
};

// Words as a part of a pattern that is ASCII only.
template <const std::string_view& Words>
struct Escaped {
  static constexpr auto kText = [] {
    constexpr std::string_view kHex = "0123456789abcdef";
    std::array<char, Words.size() * 3> text{};
    std::size_t size = 0;
    for (std::size_t at = 0; at < Words.size();) {
      const auto byte = static_cast<unsigned char>(Words[at++]);
      if (byte < 0x80) {
        if (byte == '?' || byte == '.') text[size++] = '\\';
        text[size++] = static_cast<char>(byte);
        continue;
      }
      const int more = byte < 0xE0 ? 1 : 2;
      unsigned c = byte & (more == 1 ? 0x1FU : 0x0FU);
      for (int i = 0; i < more; ++i) {
        c = c << 6U | (static_cast<unsigned char>(Words[at++]) & 0x3FU);
      }
      text[size++] = '\\';
      text[size++] = 'u';
      for (int shift = 12; shift >= 0; shift -= 4) text[size++] = kHex[c >> shift & 15U];
    }
    return std::pair(text, size);
  }();
  static constexpr std::string_view kView{kText.first.data(), kText.second};
};

constexpr std::string_view kNamesText = Escaped<kNames>::kView;
constexpr std::string_view kBar = "|";
constexpr std::string_view kWhole = "^(";
constexpr std::string_view kWholeEnd = ")$";
// Brackets and quotes at both ends; between words, and beside the brackets, signs and blanks, of
// which one is no blank.
constexpr std::string_view kWrapped = R"(^[][<>(){}"'`][][<>(){}"'`:;,=|$%#*~ ]*()";
constexpr std::string_view kWrappedAgain =
    R"()( *[][<>(){}"'`:;,=|$%#*~][][<>(){}"'`:;,=|$%#*~ ]*()";
constexpr std::string_view kWrappedEnd = R"())*[][<>(){}"'`:;,=|$%#*~ ]*[][<>(){}"'`]$)";
constexpr std::string_view kSigns = R"(^[|#~%$=*:!^@/\\&+,;.?_-]+()";
constexpr std::string_view kSignsEnd = R"()[|#~%$=*:!^@/\\&+,;.?_-]*$)";
constexpr std::string_view kLocal = "^(";
constexpr std::string_view kLocalEnd = ")@[^@]+$";

constexpr auto kPatterns = std::to_array<Words>({
    {"^[0-]*$", kSegment},
    {R"(^[-0:., (){}+]+$)", "an id of zeros only, with what may stand between them"},
    {R"(^[0\\]x0+$)", "an id of zeros only, in hexadecimal"},
    {R"(^\{?([0\\]x)?f[f:-]{7,}\}?$)",
     "an id of which all bits are set: ids, UUIDs and MAC addresses in hexadecimal"},
    {R"(^[!-/:-@[-`{-~ \u00A0-\u00A9\u00AB-\u00B1\u00B4\u00B6-\u00B8\u00BB\u00BF\u00D7\u00F7)"
     R"(\u2010-\u205E\u3000-\u3003\uFF01-\uFF0F\uFF1A-\uFF20\uFF3B-\uFF40\uFF5B-\uFF65\uFFFD]+$)",
     "punctuation only: what people type into a field that must not be empty"},
    {R"(^[+-]?([0-9]{1,3}[.,][0-9]+e[+-]?|[0-9]{1,3}[.,]?e\+|[0-9]e-)[0-9]{1,3}$)"
     R"(|^[+-][0-9]{1,3}e[0-9]{1,3}$)",
     "a number in scientific notation, as spreadsheets and floating-point columns make it of an "
     "id; a sign or a point shows that it is one, so 1e810 is none"},
    {Joined<kWrapped, kNulls, kBar, kNobodies, kBar, kNamesText, kWrappedAgain, kNulls, kBar,
            kNobodies, kBar, kNamesText, kWrappedEnd>::kView,
     "a null or a property's own name in brackets or quotes, or several, as many programs print "
     "it: (null), [null, null], {\"id\": null}"},
    {Joined<kSigns, kOwnNames, kSignsEnd>::kView,
     "a property's own name with the sign that makes a parameter or a macro of it: :user_id, "
     "$userId, ~user_id~, __USER_ID__"},
    {R"(^[|#~%$=*:!^/\\&+,;]+(null|undefined)[|#~%$=*:!^/\\&+,;.?]*$)", "a null between signs"},
    {R"(^#<.+>$)", "an object that Ruby made into a text"},
    {R"(^<(class '.*'|.* at 0x[0-9a-f]+)>$)", "an object that Python made into a text"},
    {R"(^\[(l[a-z0-9_.$]+;|[bcdfijsz])@[0-9a-f]+$)", "an array that Java made into a text"},
    {Joined<kWhole, Escaped<kForeignErrors>::kView, kWholeEnd>::kView,
     "the errors of Excel, Google Sheets and LibreOffice, in languages with other letters"},
    {Joined<kWhole, Escaped<kForeignNulls>::kView, kWholeEnd>::kView,
     "what forms and shops write for no answer, in languages with other letters"},
    {R"(^\[object [a-z]+\]$)", "an object that JavaScript made into a text"},
    {R"(^%![a-z]\(.*\)$)", "a value that Go could not print"},
    {R"(\{\{.*\}\})",
     "a macro that was not filled in: Handlebars, Liquid, Jinja; Braze, HubSpot, Iterable, "
     "Klaviyo, Customer.io, Google Tag Manager"},
    {R"([$#@%]\{.*\})",
     "a macro that was not filled in: ${...}, #{...}, @{...} and %{...} of templates and shells"},
    {R"(\{%.*%\}|\[%.*%\])", "a macro that was not filled in: Liquid, Jinja, Template Toolkit"},
    {R"(^\{\$.+\}$)", "a macro that was not filled in: Smarty"},
    {R"(^%\([a-z_.]+\)[a-z]$)", "a macro that was not filled in: Python's format strings"},
    {R"(\{!.*\})", "a macro that was not filled in: Salesforce's merge fields"},
    {R"(\[\[.*\]\])", "a macro that was not filled in: [[...]]"},
    {R"(<[%?].*[%?]>)", "a macro that was not filled in: ERB, JSP, Adobe Campaign, PHP"},
    {R"(\*\|.*\|\*)", "a macro that was not filled in: Mailchimp"},
    {R"(%%.+%%)", "a macro that was not filled in: Salesforce Marketing Cloud, Google Ad Manager"},
    {R"(%7b%7b.*%7d%7d|%24%7b.*%7d|^%7b.*%7d$)", "a macro that was not filled in, in a URL"},
    {R"(^%[a-z_]+[0-9]{0,2}([._: -]+[a-z_]+[0-9]{0,2})*%$)",
     "a macro that was not filled in: %NAME% of ActiveCampaign and of Windows"},
    {R"(^\{[a-z_]+[0-9]{0,2}([._: -]+[a-z_]+[0-9]{0,2})+\}$)",
     "a macro that was not filled in: {contact.email}"},
    {R"(@([^@]*\.)?(invalid|localhost)$)",
     "domains that can never exist: RFC 2606 and RFC 6761 (example.com and its sisters stay, as "
     "documentation and demos use them)"},
    {Joined<kLocal, kNobody, kLocalEnd>::kView,
     "the name before the @ says that there is no address, or that it was deleted"},
    {R"(^(\{[a-z_.]+\}|%[a-z_.]+%)@)", "a macro that was not filled in, before the @"},
    {R"(^\+[1-9][0-9]{0,6}0{8,}$)", "a telephone number that is zeros but for its first digits"},
    {R"(^\+1[2-9][0-9]{2}5551212$)",
     "directory assistance in North America: what people type where a form wants a number"},
    {R"(\*\*.*@|@.*\*\*)", "an address that was masked, such as j***@gmail.com"},
    {R"([\u2022\u2026\u25CF].*@|@.*[\u2022\u2026\u25CF])",
     "an address that was masked with dots or bullets"},
});

// ---- the list as tables ----

template <class Visit>
constexpr void each_word(std::string_view words, Visit&& visit) {
  while (true) {
    const std::size_t bar = words.find('|');
    visit(words.substr(0, bar));
    if (bar == std::string_view::npos) return;
    words.remove_prefix(bar + 1);
  }
}

constexpr std::size_t kWordCount = [] {
  std::size_t count = 0;
  for (const Words& list : kWordLists) each_word(list.words, [&](std::string_view) { ++count; });
  return count;
}();

constexpr auto kPlaceholders = [] {
  std::array<Placeholder, kPatterns.size() + kWordCount + 1> all{};
  std::size_t at = 0;
  for (const Words& pattern : kPatterns) all[at++] = {pattern.words, true, pattern.source, kOption};
  for (const Words& list : kWordLists) {
    each_word(list.words, [&](std::string_view word) {
      all[at++] = {word, false, list.source, kOption};
    });
  }
  all[at] = {kAutomaticPattern, true,
             "automatic senders: nobody writes from there, and nobody reads what is sent there",
             "block_automatic"};
  return all;
}();

constexpr std::size_t kLongest = 128;

constexpr auto kWords = [] {
  WordTable<2048> table;
  for (const Words& list : kWordLists) {
    each_word(list.words, [&](std::string_view word) { table.add_one(word, 0); });
  }
  return table;
}();
static_assert(kWords.size() == kWordCount && kWordCount <= 1024, "a word twice, or too many");
constexpr auto kForeignWords = [] {
  WordTable<128> table;
  for (const std::string_view list : {kForeignErrors, kForeignNulls}) {
    each_word(list, [&](std::string_view word) { table.add_one(word, 0); });
  }
  return table;
}();

static_assert(std::all_of(kPlaceholders.begin(), kPlaceholders.end(), [](const Placeholder& at) {
  return at.is_pattern || at.value.size() <= kLongest;
}));

// Those among them that stand for no value of any sort: of nulls, of numbers that are none, and the
// errors of spreadsheets.
constexpr std::string_view kNullWords =
    "null|nil|<nil>|n/a|nan|undefined|(none)|(not set)|\\n|\\\\n|\\\\\\n|"
    "__hive_default_partition__|__null__|__none__|__undefined__|_null_|null_value|null value|"
    "$null$|#null|@null|null::text|null::varchar|dbnull|dbnull.value|system.dbnull|nullptr|"
    "nonetype|"
    "nulltype|optional.empty|optional(nil)|[object "
    "object]|-nan|+nan|1.#qnan|-1.#ind|1.#ind|#n/a|#na|"
    "#n/a!|#n/d|#n/v|#nv|#i/t|#ref!|#value!|#name?|#div/0!|#num!|#null!|&lt;null&gt;|%null%";
constexpr auto kNullTable = [] {
  WordTable<256> table;
  each_word(kNullWords, [&](std::string_view word) { table.add_one(word, 0); });
  return table;
}();
static_assert([] {
  bool all = true;
  each_word(kNullWords, [&](std::string_view word) { all = all && kWords.contains(word); });
  return all;
}());

constexpr auto kWordsOf01 = [] {
  WordTable<128> table;
  for (const Words& list : kWordLists) {
    if (!list.is_of_01) continue;
    each_word(list.words, [&](std::string_view word) { table.add_one(word, 0); });
  }
  return table;
}();
static_assert(kWordsOf01.size() == 41);

constexpr auto kWrappedWords = [] {
  WordTable<256> table;
  for (const std::string_view list : {kNulls, kNobodies, kNames}) {
    each_word(list, [&](std::string_view word) { table.add_one(word, 0); });
  }
  return table;
}();
static_assert(kWrappedWords.size() <= 128);
constexpr auto kWrappedNulls = [] {
  WordTable<128> table;
  each_word(kNulls, [&](std::string_view word) { table.add_one(word, 0); });
  return table;
}();
constexpr auto kOwnNameTable = [] {
  WordTable<128> table;
  each_word(kOwnNames, [&](std::string_view word) { table.add_one(word, 0); });
  return table;
}();

// kNobody without the backslashes that make it a pattern.
constexpr auto kNobodyText = [] {
  std::array<char, kNobody.size()> text{};
  std::size_t at = 0;
  for (const char c : kNobody) {
    if (c != '\\') text[at++] = c;
  }
  return std::pair(text, at);
}();
constexpr auto kNobodyNames = [] {
  WordTable<256> table;
  each_word({kNobodyText.first.data(), kNobodyText.second},
            [&](std::string_view word) { table.add_one(word, 0); });
  return table;
}();
static_assert(kNobodyNames.size() <= 128);

// ---- the patterns, by hand ----
// As the list shows them: sql/44_placeholders.sql compares the two.

// The small letter of a capital of two bytes, of those that the words have: Latin with accents,
// Cyrillic. All of them stay two bytes.
char32_t to_small(char32_t c) {
  if ((c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x410 && c <= 0x42F)) return c + 0x20;
  const bool is_even_capital = (c >= 0x100 && c <= 0x12E) || (c >= 0x14A && c <= 0x176);
  const bool is_odd_capital = (c >= 0x139 && c <= 0x147) || (c >= 0x179 && c <= 0x17D);
  if ((is_even_capital && c % 2 == 0) || (is_odd_capital && c % 2 == 1)) return c + 1;
  return c;
}

// Makes small letters of the capitals beyond ASCII.
void lower_beyond_ascii(char* text, std::size_t size) {
  for (std::size_t at = 0; at + 1 < size; ++at) {
    const auto first = static_cast<unsigned char>(text[at]);
    const auto second = static_cast<unsigned char>(text[at + 1]);
    if ((first & 0xE0U) != 0xC0U || (second & 0xC0U) != 0x80U) continue;
    const char32_t small = to_small((first & 0x1FU) << 6U | (second & 0x3FU));
    text[at++] = static_cast<char>(0xC0U | small >> 6U);
    text[at] = static_cast<char>(0x80U | (small & 0x3FU));
  }
}

// Whether a table has a word, in any letter case.
template <std::size_t Slots>
bool has(const WordTable<Slots>& table, std::string_view word) {
  if (word.empty() || word.size() > kLongest) return false;
  if (!table.may_contain(word.size(), to_lower(word.front()), to_lower(word[word.size() / 2]),
                         to_lower(word.back()))) {
    return false;
  }
  std::array<char, kLongest> buffer;
  std::transform(word.begin(), word.end(), buffer.begin(), to_lower);
  return table.contains({buffer.data(), word.size()});
}

// Whether it is one of the words with letters beyond ASCII.
bool is_foreign(std::string_view word) {
  constexpr std::size_t kLongestForeign = 32;
  if (word.size() > kLongestForeign) return false;
  std::array<char, kLongestForeign> buffer;
  std::transform(word.begin(), word.end(), buffer.begin(), to_lower);
  lower_beyond_ascii(buffer.data(), word.size());
  return kForeignWords.contains({buffer.data(), word.size()});
}

bool starts_with(std::string_view text, std::string_view beginning) {
  return text.size() >= beginning.size() &&
         std::equal(beginning.begin(), beginning.end(), text.begin(),
                    [](char a, char b) { return a == to_lower(b); });
}

bool equals(std::string_view text, std::string_view word) {
  return text.size() == word.size() && starts_with(text, word);
}

bool only(std::string_view text, std::string_view characters) {
  return text.find_first_not_of(characters) == std::string_view::npos;
}

// `0x`, or `\x` as of PostgreSQL's bytea.
bool is_hex_prefix(std::string_view text) {
  return (text[0] == '0' || text[0] == '\\') && to_lower(text[1]) == 'x';
}

bool is_zeros(std::string_view text) {
  if (only(text, "-0:., (){}+")) return true;
  return text.size() > 2 && is_hex_prefix(text) && only(text.substr(2), "0");
}

bool is_all_bits(std::string_view text) {
  if (text.front() == '{') text.remove_prefix(1);
  if (!text.empty() && text.back() == '}') text.remove_suffix(1);
  if (text.size() > 2 && is_hex_prefix(text)) text.remove_prefix(2);
  return text.size() >= 8 && to_lower(text.front()) == 'f' && only(text, "fF:-");
}

bool is_punctuation(char32_t c) {
  if (c < 0x80)
    return c >= ' ' && c < 0x7F && !is_digit(static_cast<char>(c)) &&
           !is_letter(static_cast<char>(c));
  struct Range {
    char32_t first, last;
  };
  constexpr Range kRanges[] = {
      {0xA0, 0xA9},     {0xAB, 0xB1},     {0xB4, 0xB4},     {0xB6, 0xB8},     {0xBB, 0xBB},
      {0xBF, 0xBF},     {0xD7, 0xD7},     {0xF7, 0xF7},     {0x2010, 0x205E}, {0x3000, 0x3003},
      {0xFF01, 0xFF0F}, {0xFF1A, 0xFF20}, {0xFF3B, 0xFF40}, {0xFF5B, 0xFF65}, {0xFFFD, 0xFFFD}};
  return std::any_of(std::begin(kRanges), std::end(kRanges),
                     [c](const Range& at) { return c >= at.first && c <= at.last; });
}

bool is_only_punctuation(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    // A byte that is no UTF-8 must not be taken for U+FFFD.
    const std::size_t before = at;
    const char32_t c = next_code_point(text, at);
    if (!is_punctuation(c)) return false;
    if (c == 0xFFFD && text.substr(before, at - before) != "\xEF\xBF\xBD") return false;
  }
  return true;
}

std::size_t digits_at(std::string_view text) {
  return std::min(text.find_first_not_of("0123456789"), text.size());
}

bool is_scientific(std::string_view text) {
  const bool has_sign = text.front() == '+' || text.front() == '-';
  if (has_sign) text.remove_prefix(1);
  const std::size_t digits = digits_at(text);
  if (digits == 0 || digits > 3) return false;
  text.remove_prefix(digits);
  bool has_point = !text.empty() && (text.front() == '.' || text.front() == ',');
  bool has_fraction = false;
  if (has_point) {
    text.remove_prefix(1);
    const std::size_t fraction = digits_at(text);
    has_fraction = fraction > 0;
    text.remove_prefix(fraction);
  }
  if (text.empty() || to_lower(text.front()) != 'e') return false;
  text.remove_prefix(1);
  const char sign =
      !text.empty() && (text.front() == '+' || text.front() == '-') ? text.front() : ' ';
  if (sign != ' ') text.remove_prefix(1);
  if (text.empty() || text.size() > 3 || digits_at(text) != text.size()) return false;
  if (has_fraction || (sign == '+')) return true;
  if (has_point) return false;
  return sign == '-' ? digits == 1 : has_sign;
}

constexpr std::string_view kBrackets = "[]<>(){}\"'`";

// Words of a table in brackets or quotes, with signs between them.
template <std::size_t Slots>
bool is_wrapped(std::string_view text, const WordTable<Slots>& words) {
  constexpr std::string_view kSeparators = "[]<>(){}\"'`:;,=|$%#*~";
  if (text.size() < 3 || kBrackets.find(text.front()) == std::string_view::npos ||
      kBrackets.find(text.back()) == std::string_view::npos) {
    return false;
  }
  bool has_word = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of(kSeparators), text.size());
    const std::size_t first = std::min(text.find_first_not_of(' '), end);
    const std::size_t last =
        end == 0 ? std::string_view::npos : text.find_last_not_of(' ', end - 1);
    if (first < end) {
      if (!has(words, text.substr(first, last + 1 - first))) return false;
      has_word = true;
    }
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return has_word;
}

// A name or a null between signs, of which there is one before it.
bool is_between_signs(std::string_view text) {
  const auto inside = [text](std::string_view before, std::string_view behind) {
    const std::size_t first = text.find_first_not_of(before);
    if (first == 0 || first == std::string_view::npos) return std::string_view{};
    return text.substr(first, text.find_last_not_of(behind) + 1 - first);
  };
  constexpr std::string_view kAll = "|#~%$=*:!^@/\\&+,;.?_-";
  constexpr std::string_view kBefore = "|#~%$=*:!^/\\&+,;";
  constexpr std::string_view kBehind = "|#~%$=*:!^/\\&+,;.?";
  if (has(kOwnNameTable, inside(kAll, kAll))) return true;
  const std::string_view null = inside(kBefore, kBehind);
  return equals(null, "null") || equals(null, "undefined");
}

// A telephone number in international form that is nobody's.
bool is_nobodys_number(std::string_view text) {
  if (text.size() < 10 || text[0] != '+' || text[1] < '1' || !only(text.substr(1), "0123456789")) {
    return false;
  }
  if (text.size() == 12 && text[1] == '1' && text[2] > '1' && text.ends_with("5551212"))
    return true;
  constexpr std::size_t kZeros = 8;
  constexpr std::size_t kMostOthers = 7;
  const std::size_t others = text.find_last_not_of('0');
  return others <= kMostOthers && text.size() - 1 - others >= kZeros;
}

// What programs print for an object.
bool is_object(std::string_view text) {
  const auto is_hex = [](std::string_view digits) {
    return !digits.empty() && std::all_of(digits.begin(), digits.end(), [](char c) {
      return is_digit(c) || (to_lower(c) >= 'a' && to_lower(c) <= 'f');
    });
  };
  if (text.back() == '>') {
    if (text.size() > 3 && text.substr(0, 2) == "#<") return true;
    if (text.front() != '<') return false;
    const std::string_view inside = text.substr(1, text.size() - 2);
    if (inside.size() > 7 && starts_with(inside, "class '") && inside.back() == '\'') return true;
    constexpr std::string_view kAt = " at 0x";
    const std::size_t address = inside.size() < kAt.size() ? 0 : inside.find_last_of("xX");
    if (address < kAt.size() - 1 || address == std::string_view::npos) return false;
    return equals(inside.substr(address + 1 - kAt.size(), kAt.size()), kAt) &&
           is_hex(inside.substr(address + 1));
  }
  if (text.front() != '[') return false;
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos || at < 2 || !is_hex(text.substr(at + 1))) return false;
  const std::string_view type = text.substr(1, at - 1);
  if (type.size() == 1) return std::string_view("bcdfijsz").find(to_lower(type[0])) != type.npos;
  if (to_lower(type.front()) != 'l' || type.size() < 3 || type.back() != ';') return false;
  return std::all_of(type.begin() + 1, type.end() - 1, [](char c) {
    return is_letter(c) || is_digit(c) || c == '_' || c == '.' || c == '$';
  });
}

// Whether `open` stands somewhere, and `close` behind it with at least `between` bytes between.
bool encloses(std::string_view text, std::string_view open, std::string_view close,
              std::size_t between = 0) {
  const std::size_t at = text.find(open);
  return at != std::string_view::npos &&
         text.find(close, at + open.size() + between) != std::string_view::npos;
}

// A name of parts: letters with up to two digits, with `.`, `_`, `:`, blanks or dashes between
// them. The underscore is a letter, too.
bool is_macro_name(std::string_view text, bool of_several) {
  const auto letters = [](char c) { return is_letter(c) || c == '_'; };
  const auto between = [](char c) {
    return c == '.' || c == '_' || c == ':' || c == ' ' || c == '-';
  };
  if (text.empty() || !letters(text.front())) return false;
  // Each character stands in one of four places; where the underscore may be either, both are
  // tried: a set of places at a time.
  enum : unsigned { kLetters = 1, kOne = 2, kTwo = 4, kBetween = 8 };
  unsigned here[2] = {kLetters, 0};  // before and after the first character between parts
  for (const char c : text.substr(1)) {
    unsigned next[2] = {0, 0};
    for (int part = 0; part < 2; ++part) {
      const unsigned at = here[part];
      if (letters(c) && (at & (kLetters | kBetween)) != 0) next[part] |= kLetters;
      if (is_digit(c) && (at & kLetters) != 0) next[part] |= kOne;
      if (is_digit(c) && (at & kOne) != 0) next[part] |= kTwo;
      if (between(c) && (at & (kLetters | kOne | kTwo | kBetween)) != 0) next[1] |= kBetween;
    }
    here[0] = next[0];
    here[1] = next[1];
  }
  constexpr unsigned kEnd = kLetters | kOne | kTwo;
  return (here[1] & kEnd) != 0 || (!of_several && (here[0] & kEnd) != 0);
}

bool is_enclosed(std::string_view text, char open, char close) {
  return text.size() > 2 && text.front() == open && text.back() == close;
}

// Of a text that has one of the characters that macros begin with.
bool is_macro(std::string_view text) {
  for (const std::string_view open : {"${", "#{", "@{", "%{", "{!"}) {
    if (encloses(text, open, "}")) return true;
  }
  if (encloses(text, "{{", "}}") || encloses(text, "{%", "%}") || encloses(text, "[%", "%]") ||
      encloses(text, "[[", "]]") || encloses(text, "*|", "|*") || encloses(text, "%%", "%%", 1)) {
    return true;
  }
  for (const std::string_view open : {"<%", "<?"}) {
    if (encloses(text, open, "%>") || encloses(text, open, "?>")) return true;
  }
  const std::string_view inside = text.size() > 2 ? text.substr(1, text.size() - 2) : "";
  if (is_enclosed(text, '%', '%') && is_macro_name(inside, false)) return true;
  if (is_enclosed(text, '{', '}')) {
    if (is_macro_name(inside, true) || (inside.size() > 1 && inside.front() == '$')) return true;
  }
  const auto is_name = [](std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
      return is_letter(c) || c == '_' || c == '.';
    });
  };
  if (text.size() > 4 && text.substr(0, 2) == "%(" && text[text.size() - 2] == ')' &&
      is_letter(text.back()) && is_name(text.substr(2, text.size() - 4))) {
    return true;
  }
  // Before the @ of an address.
  for (const std::string_view ends : {"{}", "%%"}) {
    if (text.front() != ends[0]) continue;
    const std::size_t end = text.find(ends[1], 1);
    if (end != std::string_view::npos && end + 1 < text.size() && text[end + 1] == '@' &&
        is_name(text.substr(1, end - 1))) {
      return true;
    }
  }
  if (is_enclosed(text, '[', ']') && starts_with(inside, "object ") && inside.size() > 7 &&
      std::all_of(inside.begin() + 7, inside.end(), is_letter)) {
    return true;
  }
  if (text.size() >= 5 && text.substr(0, 2) == "%!" && is_letter(text[2]) && text[3] == '(' &&
      text.back() == ')') {
    return true;
  }
  if (text.find('%') == std::string_view::npos) return false;
  std::string folded(text);
  lower_ascii(folded);
  return encloses(folded, "%7b%7b", "%7d%7d") || encloses(folded, "%24%7b", "%7d") ||
         (folded.size() >= 6 && folded.starts_with("%7b") && folded.ends_with("%7d"));
}

// What a look at all bytes tells, eight of them at a time.
struct Glance {
  bool may_be_macro;  // one is { [ < % or |, of which all macros have one
  bool is_ascii;
};

Glance glance_at(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101U;
  constexpr std::uint64_t kHighs = 0x8080808080808080U;
  const auto signs_in = [](std::uint64_t word) {
    const auto zeros = [](std::uint64_t x) { return (x - kOnes) & ~x & kHighs; };
    // { and [ differ in one bit; so do | and the backslash, which costs no more than a look.
    const std::uint64_t folded = word & ~(kOnes * 0x20U);
    return zeros(folded ^ (kOnes * 0x5BU)) | zeros(folded ^ (kOnes * 0x5CU)) |
           zeros(word ^ (kOnes * 0x3CU)) | zeros(word ^ (kOnes * 0x25U));
  };
  std::uint64_t signs = 0;
  std::uint64_t all = 0;
  const auto look_at = [&](std::uint64_t word) {
    signs |= signs_in(word);
    all |= word;
  };
  std::uint64_t word = 0;
  std::size_t at = 0;
  for (; at + sizeof word <= text.size(); at += sizeof word) {
    std::memcpy(&word, text.data() + at, sizeof word);
    look_at(word);
  }
  if (at < text.size()) {
    word = 0;
    std::memcpy(&word, text.data() + at, text.size() - at);
    look_at(word);
  }
  return {signs != 0, (all & kHighs) == 0};
}

bool is_nobodys_address(std::string_view text, std::size_t at, bool is_ascii) {
  const std::string_view local = text.substr(0, at);
  const std::size_t last = text.rfind('@');
  const std::string_view domain = text.substr(last + 1);
  const auto ends_with = [&](std::string_view label) {
    if (domain.size() < label.size()) return false;
    if (!starts_with(domain.substr(domain.size() - label.size()), label)) return false;
    return domain.size() == label.size() || domain[domain.size() - label.size() - 1] == '.';
  };
  if (ends_with("invalid") || ends_with("localhost")) return true;
  if (at == last && !domain.empty() && has(kNobodyNames, local)) return true;
  if (text.find("**") != std::string_view::npos) return true;
  if (is_ascii) return false;
  for (const std::string_view dots : {"\xE2\x80\xA2", "\xE2\x80\xA6", "\xE2\x97\x8F"}) {
    if (text.find(dots) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

std::span<const Placeholder> placeholders() { return kPlaceholders; }

bool is_placeholder(std::string_view value) {
  if (value.empty()) return false;
  if (has(kWords, value)) return true;
  const char first = value.front();
  if (is_digit(first)) {
    if (first == '0' && (is_zeros(value) || is_all_bits(value))) return true;
    if (is_scientific(value)) return true;
  } else if (!is_letter(first)) {
    if (is_zeros(value) || is_only_punctuation(value) || is_scientific(value) ||
        is_wrapped(value, kWrappedWords) || is_between_signs(value) || is_nobodys_number(value) ||
        is_object(value) || is_all_bits(value)) {
      return true;
    }
  } else if (to_lower(first) == 'f' && is_all_bits(value)) {
    return true;
  }
  const Glance glance = glance_at(value);
  if (!glance.is_ascii && is_foreign(value)) return true;
  if (glance.may_be_macro && is_macro(value)) return true;
  const std::size_t at = value.find('@');
  return at != std::string_view::npos && is_nobodys_address(value, at, glance.is_ascii);
}

bool is_null(std::string_view value) {
  if (value.empty()) return false;
  if (has(kNullTable, value)) return true;
  return !is_digit(value.front()) && !is_letter(value.front()) && is_wrapped(value, kWrappedNulls);
}

bool is_placeholder_of_01(std::string_view normalized) {
  return !normalized.empty() && (has(kWordsOf01, normalized) || only(normalized, "0-"));
}

}  // namespace identity_resolve::normalize
