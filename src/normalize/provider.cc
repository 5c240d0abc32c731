#include "normalize/provider.h"

#include <array>

#include "normalize/word_table.h"

namespace identity_resolve::normalize {

namespace {

// A provider is here only if it is known that mail to the spellings that the row unites reaches one
// account, that no second account can take one of them, and that nobody else can own the form in
// which the mailbox is written (doc/emails.md has the table). A custom domain is never here,
// whoever hosts it: its owner may turn tags off or forward each address somewhere else.
constexpr std::array kProviders{
    Provider{.name = "Gmail",
             .domains = "gmail.com googlemail.com",
             .home = "gmail.com",
             .ignored = ".",
             .tag = '+',
             .peculiarity = Peculiarity::kNone,
             .page = "https://support.google.com/mail/answer/7436150"},
    // Dots count. Each domain is a name space of its own.
    Provider{
        .name = "Outlook.com",
        .domains =
            "outlook.com outlook.at outlook.be outlook.cl outlook.co.id outlook.co.il "
            "outlook.co.th "
            "outlook.com.ar outlook.com.au outlook.com.br outlook.com.gr outlook.com.pe "
            "outlook.com.tr "
            "outlook.com.vn outlook.cz outlook.de outlook.dk outlook.es outlook.fr outlook.hu "
            "outlook.ie outlook.in outlook.it outlook.jp outlook.kr outlook.lv outlook.my "
            "outlook.ph "
            "outlook.pt outlook.sa outlook.sg outlook.sk hotmail.com hotmail.be hotmail.ca "
            "hotmail.ch "
            "hotmail.cl hotmail.co.id hotmail.co.il hotmail.co.jp hotmail.co.kr hotmail.co.th "
            "hotmail.co.uk hotmail.co.za hotmail.com.ar hotmail.com.au hotmail.com.br "
            "hotmail.com.tr "
            "hotmail.com.vn hotmail.cz hotmail.de hotmail.dk hotmail.es hotmail.fi hotmail.fr "
            "hotmail.gr hotmail.hu hotmail.it hotmail.nl hotmail.no hotmail.se hotmail.sg live.com "
            "live.at live.be live.ca live.cl live.cn live.co.uk live.co.za live.com.ar live.com.au "
            "live.com.mx live.com.my live.com.pt live.com.sg live.de live.dk live.fi live.fr "
            "live.hk "
            "live.ie live.in live.it live.jp live.nl live.no live.ru live.se msn.com passport.com "
            "windowslive.com",
        .home = "",
        .ignored = "",
        .tag = '+',
        .peculiarity = Peculiarity::kNone,
        .page = "https://learn.microsoft.com/en-us/exchange/recipients-in-exchange-online/"
                "plus-addressing-in-exchange-online"},
    // Disposable addresses are basename-keyword. The owner chooses the base name, once for all of
    // them, and it need not be free as a Yahoo ID; no Yahoo ID holds a hyphen.
    Provider{
        .name = "Yahoo",
        .domains =
            "yahoo.com yahoo.ca yahoo.cl yahoo.co.id yahoo.co.il yahoo.co.in yahoo.co.kr "
            "yahoo.co.nz "
            "yahoo.co.th yahoo.co.uk yahoo.co.za yahoo.com.ar yahoo.com.au yahoo.com.br "
            "yahoo.com.co "
            "yahoo.com.hk yahoo.com.hr yahoo.com.mx yahoo.com.my yahoo.com.pe yahoo.com.ph "
            "yahoo.com.sg yahoo.com.tr yahoo.com.tw yahoo.com.ua yahoo.com.ve yahoo.com.vn "
            "yahoo.cz "
            "yahoo.de yahoo.dk yahoo.ee yahoo.es yahoo.fi yahoo.fr yahoo.gr yahoo.hr yahoo.hu "
            "yahoo.ie "
            "yahoo.in yahoo.it yahoo.nl yahoo.no yahoo.pl yahoo.pt yahoo.ro yahoo.se ymail.com "
            "rocketmail.com myyahoo.com",
        .home = "",
        .ignored = "",
        .tag = '-',
        .peculiarity = Peculiarity::kBaseName,
        .page = "http://help.yahoo.com/help/uk/bt/tutorials/mail/addressguard2.html"},
    Provider{.name = "iCloud",
             .domains = "icloud.com me.com mac.com",
             .home = "icloud.com",
             .ignored = "",
             .tag = '+',
             .peculiarity = Peculiarity::kNone,
             .page = "https://support.apple.com/118230"},
    Provider{
        .name = "Fastmail",
        .domains =
            "fastmail.com fastmail.fm 123mail.org 150mail.com 150ml.com 16mail.com 2-mail.com "
            "4email.net 50mail.com airpost.net allmail.net bestmail.us cluemail.com elitemail.org "
            "emailcorner.net emailengine.net emailengine.org emailgroups.net emailplus.org "
            "emailuser.net eml.cc f-m.fm fast-email.com fast-mail.org fastem.com fastemail.us "
            "fastemailer.com fastest.cc fastimap.com fastmail.cn fastmail.co.uk fastmail.com.au "
            "fastmail.de fastmail.es fastmail.fr fastmail.im fastmail.in fastmail.jp fastmail.mx "
            "fastmail.net fastmail.nl fastmail.org fastmail.se fastmail.to fastmail.tw fastmail.uk "
            "fastmail.us fastmailbox.net fastmessaging.com fea.st fmail.co.uk fmailbox.com "
            "fmgirl.com "
            "fmguy.com ftml.net h-mail.us hailmail.net imap-mail.com imap.cc imapmail.org "
            "inoutbox.com internet-e-mail.com internet-mail.org internetemails.net "
            "internetmailing.net jetemail.net justemail.net letterboxes.org mail-central.com "
            "mail-page.com mailandftp.com mailas.com mailbolt.com mailc.net mailcan.com "
            "mailforce.net "
            "mailftp.com mailhaven.com mailingaddress.org mailite.com mailmight.com mailnew.com "
            "mailsent.net mailservice.ms mailup.net mailworks.org ml1.net mm.st myfastmail.com "
            "mymacmail.com nospammail.net ownmail.net petml.com postinbox.com postpro.net "
            "proinbox.com promessage.com realemail.net reallyfast.biz reallyfast.info rushpost.com "
            "sent.as sent.at sent.com speedpost.net speedymail.org ssl-mail.com swift-mail.com "
            "the-fastest.net the-quickest.com theinternetemail.com veryfast.biz veryspeedy.net "
            "warpmail.net xsmail.com yepmail.net your-mail.com",
        .home = "",
        .ignored = "",
        .tag = '+',
        .peculiarity = Peculiarity::kSubdomain,
        .page = "https://www.fastmail.help/hc/en-us/articles/360060591053"},
    // A name is its owner's on all four domains, and with dots, hyphens and underscores anywhere in
    // it. The domains: https://proton.me/support/addresses-and-aliases.
    Provider{.name = "Proton",
             .domains = "proton.me protonmail.com protonmail.ch pm.me",
             .home = "proton.me",
             .ignored = ".-_",
             .tag = '+',
             .peculiarity = Peculiarity::kNone,
             .page = "https://proton.me/support/change-username"},
    Provider{.name = "Yandex",
             .domains = "yandex.ru yandex.com yandex.by yandex.kz yandex.ua yandex.com.tr ya.ru",
             .home = "yandex.ru",
             .ignored = "",
             .tag = '+',
             .peculiarity = Peculiarity::kHyphenIsDot,
             .page = "https://yandex.com/support/domain/additional/mailbox-alias.xml"},
    Provider{.name = "Zoho",
             .domains = "zoho.com zohomail.com zohomail.eu zohomail.in zoho.eu zoho.in",
             .home = "",
             .ignored = "",
             .tag = '+',
             .peculiarity = Peculiarity::kNone,
             .page = "https://email-normalize.readthedocs.io/"},
    Provider{
        .name = "Runbox",
        .domains = "runbox.com runbox.no rbox.co rbox.me mailhost.work offshore.rocks xobnur.me",
        .home = "",
        .ignored = "",
        .tag = '+',
        .peculiarity = Peculiarity::kNone,
        .page = "https://blog.runbox.com/category/news/page/8"},
    Provider{
        .name = "GitHub no-reply",
        .domains = "users.noreply.github.com",
        .home = "",
        .ignored = "",
        .tag = '\0',
        .peculiarity = Peculiarity::kNumber,
        .page =
            "https://docs.github.com/en/account-and-profile/reference/email-addresses-reference"},
};

constexpr WordTable<1024> kDomains = [] {
  WordTable<1024> table;
  for (std::size_t i = 0; i < kProviders.size(); ++i) {
    table.add(kProviders[i].domains, static_cast<std::uint16_t>(i));
  }
  return table;
}();
static_assert(kDomains.size() < 512);

}  // namespace

std::span<const Provider> providers() { return kProviders; }

const Provider* provider_of(std::string_view domain) {
  const std::uint16_t* row = kDomains.find(domain);
  return row == nullptr ? nullptr : &kProviders[*row];
}

}  // namespace identity_resolve::normalize
