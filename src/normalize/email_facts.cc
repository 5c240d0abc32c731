#include "normalize/email_facts.h"

#include <cstdint>

#include "normalize/provider.h"
#include "normalize/word_table.h"

namespace identity_resolve::normalize {

namespace {

// The lists are our own, drawn up for this project under its licence.

constexpr auto kRoles = [] {
  WordTable<512> table;
  // RFC 2142
  table.add(
      "info marketing sales support abuse noc security postmaster hostmaster usenet news webmaster "
      "www uucp "
      "ftp",
      0);
  table.add(
      "accounting accounts admin administration administrator admissions adops ads advertising "
      "affiliate "
      "affiliates agency all alerts analytics announce announcements api apps ar ap billing board "
      "booking "
      "bookings bot bounce bounces bugs business care careers ceo cfo cio cloud cmo community "
      "compliance "
      "contact contactus contracts conferences cto customer customercare customers customerservice "
      "customersupport data dept desk dev developer developers devops devnull director directors "
      "dns domain "
      "domains dpo editor editorial education email emails employment engineering enquiries "
      "enquiry error "
      "errors events everyone executive facilities faq feedback finance fraud general gdpr hello "
      "help helpdesk "
      "hi hiring hq hr hrd humanresources infrastructure inquiries inquiry international investor "
      "investors "
      "invoice invoices invoicing it jobs legal list listserv logistics mail mailbox mailer "
      "mailer-daemon "
      "mailerdaemon management manager media members membership mkt network newsletter newsletters "
      "no-reply "
      "no_reply noreply nobody notification notifications notify office officemanager online "
      "operations ops "
      "order orders partner partners partnerships payable payment payments payroll personnel post "
      "pr press "
      "privacy procurement product production products project projects public purchase purchasing "
      "receipts "
      "reception receivable recruit recruiting recruitment registrar registration remove renewals "
      "reply report "
      "reporting reports request requests reservation reservations returns root sale schedule "
      "secretary "
      "service services shipping shop sms social spam staff stats store studio subscribe "
      "subscription "
      "subscriptions suggestions supplier suppliers sysadmin system tech technical "
      "technicalsupport "
      "techsupport team test tickets tours training travel treasurer unsubscribe undisclosed "
      "update updates "
      "user users vendor vendors volunteer warehouse web welcome wholesale",
      0);
  table.add(
      "anfrage anfragen bestellung bewerbung bewerbungen buchhaltung buero datenschutz einkauf "
      "empfang karriere "
      "kontakt kundenservice kundendienst personal presse rechnung rechnungen redaktion "
      "sekretariat verkauf "
      "vertrieb verwaltung accueil administratif boutique commande commandes commercial "
      "comptabilite "
      "contabilidad contabilita contacto contato direction ventas vendas vendite facturacion "
      "facturation "
      "informacion informatica informatique pedidos rh soporte suporte atendimento administracion "
      "administracao amministrazione acquisti ordini segreteria ufficio secretariat biuro kontakty "
      "sprzedaz "
      "klantenservice verkoop inkoop administratie",
      0);
  return table;
}();
static_assert(kRoles.size() <= 320);

constexpr auto kFree = [] {
  WordTable<512> table;  // besides the providers with rules of their own
  table.add(
      "126.com 139.com 163.com 188.com 21cn.com aim.com alice.it aol.com aol.co.uk aol.de aol.fr "
      "arcor.de "
      "att.net bellsouth.net bigpond.com bk.ru bluewin.ch bol.com.br btinternet.com caramail.com "
      "centrum.cz "
      "charter.net comcast.net cox.net daum.net disroot.org earthlink.net email.com email.cz "
      "email.it "
      "excite.com foxmail.com free.fr freemail.hu freenet.de gmx.at gmx.ch gmx.co.uk gmx.com "
      "gmx.de gmx.fr "
      "gmx.net gmx.us hanmail.net hey.com hushmail.com hotmail.co.in i.ua ig.com.br inbox.com "
      "inbox.lv "
      "inbox.ru interia.pl internode.on.net juno.com keemail.me kolabnow.com laposte.net "
      "lavabit.com libero.it "
      "list.ru lycos.com mail.com mail.de mail.ee mail.ru mailbox.org mailfence.com meta.ua "
      "naver.com nate.com "
      "neuf.fr netscape.net netzero.net ntlworld.com o2.pl onet.pl online.de online.no op.pl "
      "optonline.net "
      "optusnet.com.au orange.fr outlook.com.mx poczta.onet.pl posteo.at posteo.de posteo.net "
      "prodigy.net.mx "
      "qq.com rambler.ru rediffmail.com riseup.net rogers.com runbox.com sbcglobal.net seznam.cz "
      "sfr.fr "
      "shaw.ca sina.cn sina.com sky.com sohu.com spamcop.net startmail.com sympatico.ca "
      "t-online.de talktalk.net "
      "telenet.be telus.net terra.com.br tim.it tiscali.co.uk tiscali.it tlen.pl tom.com tuta.com "
      "tuta.io "
      "tutamail.com tutanota.com tutanota.de ukr.net uol.com.br usa.net verizon.net vip.163.com "
      "vip.qq.com "
      "virgilio.it virginmedia.com volny.cz wanadoo.fr web.de windstream.net wp.pl xtra.co.nz "
      "yeah.net zoho.com "
      "ziggo.nl",
      0);
  return table;
}();
static_assert(kFree.size() <= 256);

// ---- automatic senders: kAutomaticPattern by hand ----

constexpr std::string_view kPeoplesNoReply = "users.noreply.";

// Blanks stand where the name may have one of . _ -
constexpr std::string_view kNoReplies[] = {
    "no reply",      "no respuesta",    "do not reply",      "dont reply",      "no responder",
    "no responda",   "nao responda",    "nao responder",     "ne pas repondre", "nicht antworten",
    "keine antwort", "non rispondere",  "niet beantwoorden", "nie odpowiadac",  "nie odpowiadaj",
    "svara inte",    "ikke svar",       "do not respond",    "dont respond",    "unmonitored",
    "geen antwoord", "niet antwoorden", "norispondere",      "no contestar",    "no contesten",
    "svar ikke",     "svara ej",        "nu raspunde",       "nu raspundeti",   "ne repondez pas",
    "yanitlamayin",  "neodpovidat",     "neodpovidejte",     "ne otvechat",     "ne otvechayte"};
// The letters that they begin with, a bit each.
constexpr std::uint32_t kFirstLetters = [] {
  std::uint32_t letters = 0;
  for (const std::string_view phrase : kNoReplies) letters |= 1U << (phrase.front() - 'a');
  return letters;
}();
constexpr std::string_view kDaemons[] = {"mailer daemon",  "mail daemon",  "auto reply",
                                         "auto responder", "auto confirm", "auto mailer",
                                         "dev null"};

constexpr bool is_separator(char c) { return c == '.' || c == '_' || c == '-'; }

// How much of the name the phrase takes at its beginning; 0: it does not begin so.
std::size_t phrase_at(std::string_view name, std::string_view phrase) {
  std::size_t at = 0;
  for (const char c : phrase) {
    if (c == ' ') {
      if (at < name.size() && is_separator(name[at])) ++at;
    } else if (at == name.size() || name[at++] != c) {
      return 0;
    }
  }
  return at;
}

bool is_digits(std::string_view text) {
  return text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_no_reply(std::string_view name) {
  for (std::size_t at = 0; at < name.size(); ++at) {
    const char c = name[at];
    if (c < 'a' || c > 'z' || (kFirstLetters >> (c - 'a') & 1U) == 0) continue;
    if (at > 0 && !is_separator(name[at - 1]) && name[at - 1] != '+') continue;
    const std::string_view here = name.substr(at);
    for (const std::string_view phrase : kNoReplies) {
      if (phrase.front() != c) continue;
      const std::size_t length = phrase_at(here, phrase);
      if (length == 0) continue;
      const std::string_view rest = here.substr(length);
      if (is_digits(rest) || is_separator(rest.front()) || rest.front() == '+') return true;
    }
  }
  return false;
}

bool is_daemon(std::string_view name) {
  if (name.empty() || (name[0] != 'm' && name[0] != 'a' && name[0] != 'd')) return false;
  for (const std::string_view phrase : kDaemons) {
    const std::size_t length = phrase_at(name, phrase);
    if (length == 0) continue;
    if (is_digits(name.substr(length)) || name[length] == '+') return true;
  }
  return false;
}

bool is_bounce(std::string_view name) {
  std::size_t length = phrase_at(name, "bounces");
  if (length == 0) length = phrase_at(name, "bounce");
  if (length == 0) return false;
  const std::string_view rest = name.substr(length);
  if (rest.empty() || rest.front() == '+' || rest.front() == '=') return true;
  return rest.front() == '-' && rest.find_first_of("0123456789=", 1) != std::string_view::npos;
}

// A domain a line, in the order of bytes, in a few literals: nothing to relocate or to build.
constexpr std::string_view kDisposable[] = {
#include "normalize/disposable_domains.inc"
};

// Binary search for a line of one literal; `begin` and `end` stay at beginnings of lines.
bool has_line(std::string_view lines, std::string_view domain) {
  std::size_t begin = 0;
  std::size_t end = lines.size();
  while (begin < end) {
    const std::size_t middle = begin + (end - begin) / 2;
    const std::size_t before = middle == 0 ? std::string_view::npos : lines.rfind('\n', middle - 1);
    const std::size_t at = before == std::string_view::npos || before < begin ? begin : before + 1;
    const std::size_t after = lines.find('\n', at);
    const int order = domain.compare(lines.substr(at, after - at));
    if (order == 0) return true;
    if (order < 0) {
      end = at;
    } else {
      begin = after + 1;
    }
  }
  return false;
}

}  // namespace

std::string_view domain_of(std::string_view address) {
  return address.substr(address.rfind('@') + 1);
}

bool is_role(std::string_view address) {
  const std::string_view name = address.substr(0, address.rfind('@'));
  return kRoles.contains(name.substr(0, name.find('+')));
}

bool is_automatic(std::string_view address) {
  const std::size_t at = address.rfind('@');
  if (at == std::string_view::npos) return false;
  const std::string_view name = address.substr(0, at);
  const bool found = is_no_reply(name) || is_daemon(name) || is_bounce(name);
  return found && address.substr(at + 1, kPeoplesNoReply.size()) != kPeoplesNoReply;
}

bool is_free(std::string_view address) {
  const std::string_view domain = domain_of(address);
  if (kFree.contains(domain)) return true;
  const Provider* provider = provider_of(domain);
  if (provider != nullptr) return provider->peculiarity != Peculiarity::kNumber;
  provider = provider_of(domain.substr(domain.find('.') + 1));
  return provider != nullptr && provider->peculiarity == Peculiarity::kSubdomain;
}

std::span<const std::string_view> disposable_domains() { return kDisposable; }

bool is_disposable(std::string_view address) {
  std::string_view domain = domain_of(address);
  while (true) {
    for (const std::string_view lines : kDisposable) {
      if (has_line(lines, domain)) return true;
    }
    const std::size_t dot = domain.find('.');
    if (dot == std::string_view::npos) return false;
    domain.remove_prefix(dot + 1);
  }
}

}  // namespace identity_resolve::normalize
