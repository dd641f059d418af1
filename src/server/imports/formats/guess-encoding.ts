/** Guesses the encoding of text that is not UTF-8. */
import { analyse } from "chardet";
import { textDecoder } from "./decoder";

/** How well a character fits, from 0 to 1; decoding errors count against an encoding. */
const FITS = { common: 1, known: 0.7, symbol: 0.8, unlikely: 0, error: -1 } as const;
/** Weight of the statistical detector, which decides between encodings of other scripts in which the text makes equal sense. */
const DETECTOR_WEIGHT = 0.05;

/** Share of the letters of a Latin word that can be beyond ASCII, as in Žďár. */
const MAX_FOREIGN_SHARE = 0.75;

interface Language {
  readonly encodings: readonly string[];
  /** Letters that the language uses, in lower case, without ASCII. */
  readonly letters: ReadonlySet<string>;
  /** Matches a word of a script other than Latin. Words of these languages do not mix it with Latin letters. */
  readonly script?: RegExp;
  /** True if words are rarely one character long. */
  readonly hasLongWords?: boolean;
  /** Factor below 1 for an encoding that is rare, or for a mixture of languages. */
  readonly share?: number;
}

const language = (encodings: string, letters: string, more: Partial<Language> = {}): Language => ({
  encodings: encodings.split(" "),
  letters: new Set(letters.replace(/\s/g, "")),
  ...more,
});

const WESTERN = "áàâäãåæçéèêëíìîïñóòôöõøœúùûüßÿýðþšžºª";
const CENTRAL = "windows-1250 iso-8859-2";
const BALTIC = "windows-1257 iso-8859-13";
const CYRILLIC = { script: /^\p{Script=Cyrillic}+$/u };
const GREEK = { script: /^\p{Script=Greek}+$/u };
const HEBREW = { script: /^[\p{Script=Hebrew}\p{M}]+$/u };
const ARABIC = { script: /^[\p{Script=Arabic}\p{M}]+$/u };
const THAI = { script: /^[\p{Script=Thai}\p{M}]+$/u };
const KANA =
  "ぁあぃいうえおかがきぎくぐけげこごさざしじすずせぜそぞただちっつづてでとどなにぬねのはばひびふぶへほぼまみむめもゃやゅゆょよらりるれろわをんァアィイゥウェエォオカガキギクグケゲコゴサザシジスズセゼソタダチッツテデトドナニヌネノハバパヒビピフブプヘベペホボポマミムメモャヤュユョヨラリルレロワンーｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜﾝﾞﾟｯｬｭｮｰ";
const HAN = { script: /^[\p{Script=Han}々〆ー\uff10-\uff5a]+$/u, hasLongWords: true };
const JAPANESE = {
  script: /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}々〆ー\uff10-\uff5a\uff66-\uff9f]+$/u,
  hasLongWords: true,
};
const KOREAN = { script: /^[\p{Script=Hangul}\p{Script=Han}]+$/u, hasLongWords: true };

/**
 * Languages in order of preference for texts that make equal sense in several: Turkish before Icelandic, whose letters share
 * their codes. Of languages with thousands of characters, only the most frequent are listed, in running text and in addresses.
 */
const LANGUAGES: readonly Language[] = [
  language("windows-1252", "áàçéèíïñóòúüºª"), // Spanish, Catalan
  language("windows-1252", "àâæçéèêëîïôœùûüÿ"), // French
  language("windows-1252", "äöüßé"), // German
  language("windows-1252", "áâãàçéêíóôõúüºª"), // Portuguese
  language("windows-1252", "àèéìíîòóùúºª"), // Italian
  language("windows-1252", "åæøäöéüêóò"), // Scandinavian languages, Finnish
  language("windows-1252", "ëïéèöüêáóíú"), // Dutch
  language("windows-1254", "çğıİöşüâîû"), // Turkish
  language("windows-1252", "áéíóúýþðæöø"), // Icelandic, Faroese
  language("windows-1252", WESTERN, { share: 0.9 }),
  language(CENTRAL, "ąćęłńóśźż"), // Polish
  language(CENTRAL, "áäčďéěíĺľňóôŕřšťúůýž"), // Czech, Slovak
  language(CENTRAL, "áéíóöőúüű"), // Hungarian
  language(CENTRAL, "čćđšž"), // Croatian, Slovenian
  language(CENTRAL, "ăâîşţ"), // Romanian
  language(BALTIC, "ąčęėįšųūž"), // Lithuanian
  language(BALTIC, "āčēģīķļņšūž"), // Latvian
  language(BALTIC, "äöõüšž"), // Estonian
  language("macintosh", WESTERN, { share: 0.75 }),
  language("windows-1251 koi8-r ibm866 iso-8859-5 x-mac-cyrillic", "оеаинтсрвлкмдпуязы", CYRILLIC),
  language("windows-1251 koi8-u iso-8859-5", "оаинвтерілскдумпяьї", CYRILLIC),
  language("windows-1253 iso-8859-7", "αοιετνηρσκπυμλςάόίέήώύ", GREEK),
  language("windows-1255 iso-8859-8", "יוהלאתרבמשנםדעח", HEBREW),
  language("windows-1256 iso-8859-6", "اليمنوترةبدعفسقحكهشجطصخضزثظغذئءأإىپچگکی", ARABIC),
  language("windows-874", "าน รอกเงมยลวดทสตะปบคหแจพชขใไโผ่้ี์ัิืึุู", THAI),
  language(
    "shift_jis euc-jp",
    `${KANA}日一国会人年大十二本中長出三同時政事自行社見月分議後前民生連五発間対上部東者党地合市業内相方四定今回新場
    金員九入選立開手米力学問高代明実円関決子動京全目表戦経通外最言氏現理調体化田当八六約主題下首意法不来作性的要用制治度務強
    気小七成期公野協取都和統以機平総加山思家話世受区領多県続進正安設保改数記院女初北午指権心界支第産結百派点教報済書府活原先共
    得解名交資予川向際査勝面委告軍文反元重近千考判認画海参売利組知案道信策集在件団別物側任引使求所次水半品論計死官増係感特情投
    示変男基私各始島直両朝価式確村提運終果西勢台広容必応電歳住談能無位置流格有口過局少放税検町常校料状工建語営空職証土止送役構
    木割聞身費付切由説転食比防車研何南石足消境神番規術展備宅害配条独宮究育席楽起万店残線率病農州武声質待試族象銀域助労早限親環
    験商葉義伝形景落準辺造英技低毎医復味失移差個門課末守若種美岡影命福量望松佐察整型白深字夜製音様財港識注達駅丁号横浜渋谷黒札幌仙静姫路街郡埼玉阪奈
    良滋賀岐阜鳥徳香媛愛熊鹿児沖縄栃茨城崎潟梨宿緯経度値番`,
    JAPANESE,
  ),
  language(
    "gb18030",
    `的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多
    经么去法学如都同现当没动面起看定天分还进好小部其些主样理心本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性
    知全三又关点正业外将两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度
    门任常先海通教儿原东声提立及比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做
    接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品
    住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运省县镇乡村街号州京津沪渝广湖河江浙苏皖赣鲁豫鄂湘粤
    桂琼川贵云陕甘青宁疆藏蒙辽吉黑龙店站桥园港岛坐标经纬称型`,
    HAN,
  ),
  language(
    "big5",
    `的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作裡用道行所然家種事成方多
    經麼去法學如都同現當沒動面起看定天分還進好小部其些主樣理心本前開但因只從想實日軍者意無力它與長把機十民第公此已工使情明性
    知全三又關點正業外將兩高間由問很最重並物手應戰向頭文體政美相見被利什二等產或新己制身果加西斯月話合回特代內信表化老給世位次度
    門任常先海通教兒原東聲提立及比員解水名真論處走義各入幾口認條平系氣題活爾更別打女變四神總何電數安少報才結反受目太量再感建務做
    接必場件計管期市直德資命山金指克許統區保至隊形社便空決治展馬科司五基眼書非則聽白卻界達光放強即像難且權思王象完設式色路記南品
    住告類求據程北邊死張該交規萬取拉格望覺術領共確傳師觀清今切院讓識候帶導爭運台臺灣縣鄉鎮村里街號桃園彰雲嘉屏蓮澎店站橋港島坐標
    緯稱型`,
    HAN,
  ),
  language(
    "euc-kr",
    `이다는에의을가하고를은한지로사기리나어도대자서시인해정아그보주부전일수원장과제안동관구성상국들소조공생스미학연경민방실년있것
    세여요마개비라까당선신만청발반합오물문양중분강교영군읍면산천울남북광역별특번호명값위도름곳길역촌진평포김박최임유송창충`,
    KOREAN,
  ),
];

/** Symbols that may precede a letter. */
const BEFORE_LETTER = /[°“„‘’«»”¿¡…–—·µ•\xa0]/;
/** Symbols that texts in many languages have. */
const SYMBOL = /[°ºª€£§©®«»“”„‘’‚–—…·•±²³½¼¾µ¡¿×´№™\xa0]/;
const ASIAN_PUNCTUATION = /[\u3000-\u303f\uff00-\uffef]/;
const ERROR = /[\ufffd\x80-\x9f\ue000-\uf8ff]/;
const LETTERS = /^[\p{L}\p{M}々ー\uff10-\uff19]/u;
/** A capital beyond ASCII after a small letter, or a small letter beyond ASCII after two capitals: typical of a wrong encoding. */
const HAS_ODD_CAPITALS = /\p{Ll}(?![A-Z])\p{Lu}|\p{Lu}{2}(?![a-z])\p{Ll}/u;
const IS_ASCII = /^[\0-\x7f]*$/;
/** A word, or another character beyond ASCII. */
const TOKEN = /[\p{L}\p{M}々ー\uff10-\uff19]+|[^\0-\x7f]/gu;

/**
 * Returns the `TextDecoder` name of the encoding in which the text makes the most sense: whose words are those of one language and
 * script. A statistical detector alone takes a few accented letters among ASCII for Chinese or Japanese.
 * @param sample lines with bytes beyond ASCII
 */
export function guessEncoding(sample: Uint8Array): string {
  const tokens = new Map<string, readonly Token[]>();
  const detected = new Map(analyse(sample).map(({ name, confidence }) => [labelOf(name), confidence / 100]));
  let best = { encoding: "windows-1252", score: 0 };
  for (const candidate of LANGUAGES) {
    for (const label of candidate.encodings) {
      const { encoding } = textDecoder(label);
      if (!tokens.has(encoding)) tokens.set(encoding, tokensOf(textDecoder(encoding).decode(sample)));
      const support = candidate.script ? DETECTOR_WEIGHT * (detected.get(encoding) ?? 0) : 0;
      const score = fitOf(tokens.get(encoding) ?? [], candidate) * (candidate.share ?? 1) + support;
      if (score > best.score) best = { encoding, score };
    }
  }
  return best.encoding;
}

function labelOf(name: string): string {
  try {
    return new TextDecoder(name).encoding;
  } catch {
    return name; // an encoding that cannot be decoded here
  }
}

interface Token {
  /** The word, or a symbol. */
  readonly text: string;
  /** The character after a symbol. */
  readonly next: string;
  count: number;
}

/** Returns the different words and symbols beyond ASCII of a text. */
function tokensOf(text: string): readonly Token[] {
  const tokens = new Map<string, Token>();
  for (const { 0: found, index } of text.matchAll(TOKEN)) {
    if (IS_ASCII.test(found)) continue;
    const next = LETTERS.test(found) ? "" : text.charAt(index + found.length);
    const token = tokens.get(found + next);
    if (token) token.count++;
    else tokens.set(found + next, { text: found, next, count: 1 });
  }
  return [...tokens.values()];
}

/** Returns the mean fit of the characters beyond ASCII. */
function fitOf(tokens: readonly Token[], candidate: Language): number {
  let sum = 0;
  let total = 0;
  for (const { text, next, count } of tokens) {
    const characters = [...text];
    const foreign = characters.filter((character) => character > "\x7f").length;
    total += count * foreign;
    sum +=
      count *
      (LETTERS.test(text) ? wordFit(characters, foreign, candidate) : symbolFit(text, next, candidate));
  }
  return total === 0 ? 0 : sum / total;
}

function symbolFit(symbol: string, next: string, { hasLongWords }: Language): number {
  if (ERROR.test(symbol)) return FITS.error;
  if (hasLongWords && ASIAN_PUNCTUATION.test(symbol)) return FITS.common;
  const isInWord = LETTERS.test(next) && !BEFORE_LETTER.test(symbol);
  return SYMBOL.test(symbol) && !isInWord ? FITS.symbol : FITS.unlikely;
}

/** Returns the sum over the characters beyond ASCII of a word. */
function wordFit(characters: readonly string[], foreign: number, candidate: Language): number {
  const { letters, script, hasLongWords } = candidate;
  const word = characters.join("");
  const isPlausible = script
    ? script.test(word) && !(hasLongWords && characters.length === 1)
    : foreign < 3 || foreign <= MAX_FOREIGN_SHARE * characters.length;
  if (!isPlausible || HAS_ODD_CAPITALS.test(word)) return foreign * FITS.unlikely;
  let sum = 0;
  for (const character of characters) {
    if (character <= "\x7f") continue;
    if (letters.has(character) || letters.has(character.toLowerCase())) sum += FITS.common;
    else if (script) sum += FITS.known;
  }
  return sum;
}
