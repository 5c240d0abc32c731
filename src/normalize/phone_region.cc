#include "normalize/phone_region.h"

#include <array>

#include "normalize/ascii.h"
#include "normalize/text.h"

namespace identity_resolve::normalize {

namespace {

// ISO 3166-1: three letters and the two that mean the same.
constexpr std::string_view kCountries =
    "ABWAW AFGAF AGOAO AIAAI ALAAX ALBAL ANDAD AREAE ARGAR ARMAM ASMAS ATAAQ ATFTF "
    "ATGAG AUSAU AUTAT AZEAZ BDIBI BELBE BENBJ BESBQ BFABF BGDBD BGRBG BHRBH BHSBS "
    "BIHBA BLMBL BLRBY BLZBZ BMUBM BOLBO BRABR BRBBB BRNBN BTNBT BVTBV BWABW CAFCF "
    "CANCA CCKCC CHECH CHLCL CHNCN CIVCI CMRCM CODCD COGCG COKCK COLCO COMKM CPVCV "
    "CRICR CUBCU CUWCW CXRCX CYMKY CYPCY CZECZ DEUDE DJIDJ DMADM DNKDK DOMDO DZADZ "
    "ECUEC EGYEG ERIER ESHEH ESPES ESTEE ETHET FINFI FJIFJ FLKFK FRAFR FROFO FSMFM "
    "GABGA GBRGB GEOGE GGYGG GHAGH GIBGI GINGN GLPGP GMBGM GNBGW GNQGQ GRCGR GRDGD "
    "GRLGL GTMGT GUFGF GUMGU GUYGY HKGHK HMDHM HNDHN HRVHR HTIHT HUNHU IDNID IMNIM "
    "INDIN IOTIO IRLIE IRNIR IRQIQ ISLIS ISRIL ITAIT JAMJM JEYJE JORJO JPNJP KAZKZ "
    "KENKE KGZKG KHMKH KIRKI KNAKN KORKR KWTKW LAOLA LBNLB LBRLR LBYLY LCALC LIELI "
    "LKALK LSOLS LTULT LUXLU LVALV MACMO MAFMF MARMA MCOMC MDAMD MDGMG MDVMV MEXMX "
    "MHLMH MKDMK MLIML MLTMT MMRMM MNEME MNGMN MNPMP MOZMZ MRTMR MSRMS MTQMQ MUSMU "
    "MWIMW MYSMY MYTYT NAMNA NCLNC NERNE NFKNF NGANG NICNI NIUNU NLDNL NORNO NPLNP "
    "NRUNR NZLNZ OMNOM PAKPK PANPA PCNPN PERPE PHLPH PLWPW PNGPG POLPL PRIPR PRKKP "
    "PRTPT PRYPY PSEPS PYFPF QATQA REURE ROURO RUSRU RWARW SAUSA SDNSD SENSN SGPSG "
    "SGSGS SHNSH SJMSJ SLBSB SLESL SLVSV SMRSM SOMSO SPMPM SRBRS SSDSS STPST SURSR "
    "SVKSK SVNSI SWESE SWZSZ SXMSX SYCSC SYRSY TCATC TCDTD TGOTG THATH TJKTJ TKLTK "
    "TKMTM TLSTL TONTO TTOTT TUNTN TURTR TUVTV TWNTW TZATZ UGAUG UKRUA UMIUM URYUY "
    "USAUS UZBUZ VATVA VCTVC VENVE VGBVG VIRVI VNMVN VUTVU WLFWF WSMWS YEMYE ZAFZA "
    "ZMBZM ZWEZW ";
constexpr std::size_t kStep = 6;
static_assert(kCountries.size() % kStep == 0);

}  // namespace

std::string_view country_code(std::string_view written) {
  const std::string_view name = trim(written);
  if (name.size() != 2 && name.size() != 3) return {};
  std::array<char, 3> letters{};
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (!is_letter(name[i])) return {};
    letters[i] = to_upper(name[i]);
  }
  const std::string_view code(letters.data(), name.size());
  // In use, though not in ISO 3166-1: Kosovo, and the islands of Ascension and Tristan da Cunha,
  // which have plans of their own.
  if (code == "UK") return "GB";
  if (code == "XK" || code == "XKX") return "XK";
  if (code == "AC") return "AC";
  if (code == "TA") return "TA";
  for (std::size_t at = 0; at < kCountries.size(); at += kStep) {
    const std::string_view two = kCountries.substr(at + 3, 2);
    if (code == two || code == kCountries.substr(at, 3)) return two;
  }
  return {};
}

}  // namespace identity_resolve::normalize
