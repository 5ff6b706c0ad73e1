package extract

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"

	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet"
	"github.com/apache/arrow-go/v18/parquet/compress"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/metadata"
	"github.com/apache/arrow-go/v18/parquet/schema"
	"github.com/klauspost/compress/zstd"
)

// Raw files
//
// One row is one record of an API or one line of an export. The columns, all
// nullable, stand in this order:
//
//	_account _scope _period _dataset   text     where the row is from: the same in all rows of a file
//	_page                              bigint   page of the API or number of the file
//	_row                               bigint   row in it as served, from 1; rejects leave gaps
//	(the source's columns)                      see its file
//	tag_<key>                          text     for each tag key that is configured, if the source has tags
//	_tags_raw                          text     tags that could not be read, as served; if the source has tags
//	_extra                             text     JSON object of what no column holds
//
// text is BYTE_ARRAY (string), decimal FIXED_LEN_BYTE_ARRAY(16) as DECIMAL(38, 18),
// date INT32 (date), instant INT64 (microseconds, UTC), bool BOOLEAN, bigint INT64.
//
// _extra has the fields that the source's columns do not know, under their own names
// (deeper ones joined with "_"), unless they are null or empty. Under a column's name
// it has the text as served where the column could not hold it whole: more than 18
// decimal places, a seventh digit of a second, a time of day behind a date. The
// "type" of a record is left out.
//
// Rejects have a file of their own: _account _scope _period _dataset _source, _page
// _row, reason, text (the row as served).
//
// A row group holds 30,720 rows, fewer when their text is large. Text has a dictionary
// unless most values differ. Pages are compressed with zstd at its fastest level;
// the next level makes raw files 2 % smaller and takes 40 % longer. Nothing in a file
// depends on the clock or the machine, so the same input gives the same bytes.
//
// Dictionaries, levels and pages are put together here and not by arrow-go's column
// writers, which take twice the time and allocate for each value. Page headers and
// the footer are arrow-go's.
const (
	groupRows  = 30_720
	groupBytes = 64 << 20
	pageBytes  = 1 << 20
)

// A fileColumn is a column of a file before its rows.
type fileColumn struct {
	name   string
	typ    Type
	unique bool
}

func (c fileColumn) node() (schema.Node, error) {
	physical, length := parquet.Types.ByteArray, -1
	var logical schema.LogicalType = schema.StringLogicalType{}
	switch c.typ {
	case Decimal:
		physical, length = parquet.Types.FixedLenByteArray, 16
		logical = schema.NewDecimalLogicalType(38, decimalPlaces)
	case Date:
		physical, logical = parquet.Types.Int32, schema.DateLogicalType{}
	case Instant:
		physical, logical = parquet.Types.Int64, schema.NewTimestampLogicalType(true, schema.TimeUnitMicros)
	case Int:
		physical, logical = parquet.Types.Int64, schema.NewIntLogicalType(64, true)
	case Bool:
		physical, logical = parquet.Types.Boolean, schema.NoLogicalType{}
	}
	return schema.NewPrimitiveNodeLogical(c.name, parquet.Repetitions.Optional, logical, physical, length, -1)
}

// A fileWriter writes one Parquet file from the first byte to the last, and knows
// its hash at the end.
type fileWriter struct {
	f      *os.File
	w      *bufio.Writer
	sha    hash.Hash
	at     int64
	props  *parquet.WriterProperties
	schema *schema.Schema
	meta   *metadata.FileMetaDataBuilder
	chunks []*chunk
	pager  file.PageWriter
	zstd   *zstd.Encoder
	plain  []byte // a page being put together, and compressed
	packed []byte
	group  int // rows in the row group
	groups int
	rows   int64
}

func newFileWriter(dir string, columns []fileColumn) (*fileWriter, error) {
	nodes := make(schema.FieldList, len(columns))
	chunks := make([]*chunk, len(columns))
	for i, c := range columns {
		n, err := c.node()
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", c.name, err)
		}
		nodes[i] = n
		chunks[i] = &chunk{typ: c.typ, plainOnly: c.unique}
	}
	root, err := schema.NewGroupNode("schema", parquet.Repetitions.Required, nodes, -1)
	if err != nil {
		return nil, err
	}
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(pageBytes), zstd.WithEncoderCRC(false))
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(dir, "landing-*.parquet")
	if err != nil {
		return nil, err
	}
	w := &fileWriter{f: f, sha: sha256.New(), schema: schema.NewSchema(root), chunks: chunks, zstd: enc}
	w.w = bufio.NewWriterSize(io.MultiWriter(f, w.sha), 1<<20)
	w.props = parquet.NewWriterProperties(
		parquet.WithVersion(parquet.V2_6), parquet.WithCreatedBy("azledger"),
		parquet.WithCompression(compress.Codecs.Zstd), parquet.WithCompressionLevel(1))
	w.meta = metadata.NewFileMetadataBuilder(w.schema, w.props, nil)
	_, err = w.Write([]byte("PAR1"))
	return w, err
}

// Write and Tell make the writer the sink of arrow-go's page writer.
func (w *fileWriter) Write(p []byte) (int, error) {
	w.at += int64(len(p))
	return w.w.Write(p)
}

func (w *fileWriter) Tell() int64 { return w.at }

// room is how many rows may be appended before full must be called.
func (w *fileWriter) room() int { return min(groupRows-w.group, 1024) }

// appended tells that rows were appended to every chunk, and writes the row group
// when it is full.
func (w *fileWriter) appended(rows int) error {
	w.group += rows
	size := 0
	for _, c := range w.chunks {
		size += len(c.plain) + len(c.dict.bytes) + 4*len(c.numbers)
	}
	if w.group < groupRows && size < groupBytes {
		return nil
	}
	return w.flush()
}

func (w *fileWriter) flush() error {
	if w.group == 0 {
		return nil
	}
	group := w.meta.AppendRowGroup()
	group.SetNumRows(w.group)
	for i, c := range w.chunks {
		if err := w.writeChunk(group.NextColumnChunk(), i, c); err != nil {
			return fmt.Errorf("column %s: %w", w.schema.Column(i).Name(), err)
		}
		c.reset()
	}
	if err := group.Finish(0, int16(w.groups)); err != nil {
		return err
	}
	w.rows += int64(w.group)
	w.group = 0
	w.groups++
	return nil
}

func (w *fileWriter) writeChunk(meta *metadata.ColumnChunkMetaDataBuilder, i int, c *chunk) (err error) {
	codec := compress.Codecs.Zstd
	if w.pager == nil {
		w.pager, err = file.NewPageWriter(w, codec, 1, meta, 0, 0, memory.DefaultAllocator, false, nil, nil)
	} else {
		err = w.pager.Reset(w, codec, 1, meta, int16(w.groups), int16(i), nil, nil)
	}
	if err != nil {
		return err
	}
	meta.SetStats(c.statistics())
	hasDict := c.useDictionary()
	if hasDict {
		err = w.writeDictionary(c)
	} else {
		err = w.writePlain(c)
	}
	if err != nil {
		return err
	}
	return w.pager.Close(hasDict, false)
}

func (w *fileWriter) writeDictionary(c *chunk) error {
	page := file.NewDictionaryPage(memory.NewBufferBytes(c.dict.bytes), int32(c.dict.len()), parquet.Encodings.Plain)
	if _, err := w.pager.WriteDictionaryPage(page); err != nil {
		return err
	}
	width := bitWidth(c.dict.len() - 1)
	w.plain = appendLevels(w.plain[:0], c.defs)
	w.plain = append(w.plain, byte(width))
	w.plain = appendHybrid(w.plain, c.numbers, width)
	return w.writePage(len(c.defs), parquet.Encodings.RLEDict)
}

// writePlain writes values as they are, a page for every megabyte or so.
func (w *fileWriter) writePlain(c *chunk) error {
	c.mark()
	row, at := 0, 0
	for _, m := range c.marks {
		w.plain = appendLevels(w.plain[:0], c.defs[row:m.rows])
		if c.typ == Bool {
			w.plain = appendBits(w.plain, c.plain[at:m.bytes])
		} else {
			w.plain = append(w.plain, c.plain[at:m.bytes]...)
		}
		if err := w.writePage(m.rows-row, parquet.Encodings.Plain); err != nil {
			return err
		}
		row, at = m.rows, m.bytes
	}
	return nil
}

func (w *fileWriter) writePage(rows int, encoding parquet.Encoding) error {
	w.packed = w.zstd.EncodeAll(w.plain, w.packed[:0])
	page := file.NewDataPageV1(memory.NewBufferBytes(w.packed), int32(rows), encoding,
		parquet.Encodings.RLE, parquet.Encodings.RLE, int32(len(w.plain)))
	_, err := w.pager.WriteDataPage(page)
	return err
}

// close writes the footer and brings the file to the disk.
func (w *fileWriter) close() (*landedFile, error) {
	err := w.finish()
	if cerr := w.f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		_ = os.Remove(w.f.Name())
		return nil, fmt.Errorf("write %s: %w", w.f.Name(), err)
	}
	return &landedFile{Path: w.f.Name(), Rows: w.rows, Bytes: w.at, SHA256: hex.EncodeToString(w.sha.Sum(nil))}, nil
}

func (w *fileWriter) finish() error {
	if err := w.flush(); err != nil {
		return err
	}
	meta, err := w.meta.Finish()
	if err != nil {
		return err
	}
	n, err := meta.WriteTo(w, nil)
	if err != nil {
		return err
	}
	tail := append(binary.LittleEndian.AppendUint32(nil, uint32(n)), "PAR1"...)
	if _, err := w.Write(tail); err != nil {
		return err
	}
	if err := w.w.Flush(); err != nil {
		return err
	}
	return w.f.Sync()
}

func (w *fileWriter) abort() {
	_ = w.f.Close()
	_ = os.Remove(w.f.Name())
}

// A chunk is a column's part of a row group: which rows are null, and the values of
// those that are not, either numbered in a dictionary or plain.
type chunk struct {
	typ       Type
	plainOnly bool // the values hardly repeat
	defs      []byte
	nulls     int
	dict      dictionary
	numbers   []uint32
	plain     []byte
	marks     []mark // where pages end
	minDec    decimal
	maxDec    decimal
	minNum    int64
	maxNum    int64
}

// A mark is a place between two rows.
type mark struct{ rows, bytes int }

func (c *chunk) reset() {
	c.defs, c.numbers, c.plain, c.marks, c.nulls = c.defs[:0], c.numbers[:0], c.plain[:0], c.marks[:0], 0
	c.dict.reset()
}

func (c *chunk) isText() bool {
	return c.typ == Text || c.typ == JSONText || c.typ == Tags
}

func (c *chunk) null() {
	c.defs = append(c.defs, 0)
	c.nulls++
}

// value counts a value and ends a page before it when the page is full.
func (c *chunk) value() {
	if before := c.marked(); len(c.plain)-before.bytes >= pageBytes {
		c.mark()
	}
	c.defs = append(c.defs, 1)
}

func (c *chunk) marked() mark {
	if len(c.marks) == 0 {
		return mark{}
	}
	return c.marks[len(c.marks)-1]
}

func (c *chunk) mark() {
	if here := (mark{len(c.defs), len(c.plain)}); here.rows > c.marked().rows {
		c.marks = append(c.marks, here)
	}
}

func (c *chunk) text(s []byte) {
	c.value()
	if c.plainOnly {
		c.plainText(s)
		return
	}
	c.numbers = append(c.numbers, c.dict.number(s))
}

func (c *chunk) plainText(s []byte) {
	c.plain = binary.LittleEndian.AppendUint32(c.plain, uint32(len(s)))
	c.plain = append(c.plain, s...)
}

func (c *chunk) decimal(d decimal) {
	if first := len(c.plain) == 0; first || d.less(c.minDec) {
		c.minDec = d
	}
	if first := len(c.plain) == 0; first || c.maxDec.less(d) {
		c.maxDec = d
	}
	c.value()
	c.plain = d.appendBytes(c.plain)
}

func (c *chunk) number(n int64) {
	if len(c.plain) == 0 {
		c.minNum, c.maxNum = n, n
	}
	c.minNum, c.maxNum = min(c.minNum, n), max(c.maxNum, n)
	c.value()
	if c.typ == Date {
		c.plain = binary.LittleEndian.AppendUint32(c.plain, uint32(n))
	} else {
		c.plain = binary.LittleEndian.AppendUint64(c.plain, uint64(n))
	}
}

func (c *chunk) bool(b bool) {
	c.value()
	if b {
		c.plain = append(c.plain, 1)
	} else {
		c.plain = append(c.plain, 0)
	}
}

// useDictionary gives the dictionary up, here and for the row groups that follow, when
// more than half of the values differ.
func (c *chunk) useDictionary() bool {
	if !c.isText() || c.plainOnly || len(c.numbers) == 0 {
		return false
	}
	if c.dict.len() <= 256 || 2*c.dict.len() <= len(c.numbers) {
		return true
	}
	c.plainOnly = true
	numbers, defs := c.numbers, c.defs
	c.defs = nil
	for i, k := 0, 0; i < len(defs); i++ {
		if defs[i] == 0 {
			c.defs = append(c.defs, 0)
			continue
		}
		c.value()
		c.plainText(c.dict.text(numbers[k]))
		k++
	}
	c.dict, c.numbers = dictionary{}, nil
	return false
}

func (c *chunk) statistics() metadata.EncodedStatistics {
	s := metadata.EncodedStatistics{HasNullCount: true, NullCount: int64(c.nulls), Signed: true}
	if c.nulls == len(c.defs) {
		return s
	}
	switch c.typ {
	case Decimal:
		s.Min, s.Max = c.minDec.appendBytes(nil), c.maxDec.appendBytes(nil)
	case Date:
		s.Min, s.Max = binary.LittleEndian.AppendUint32(nil, uint32(c.minNum)), binary.LittleEndian.AppendUint32(nil, uint32(c.maxNum))
	case Instant, Int:
		s.Min, s.Max = binary.LittleEndian.AppendUint64(nil, uint64(c.minNum)), binary.LittleEndian.AppendUint64(nil, uint64(c.maxNum))
	}
	s.HasMin, s.HasMax = s.Min != nil, s.Max != nil
	return s
}

func bitWidth(max int) (width int) {
	for ; max > 0; max >>= 1 {
		width++
	}
	return width
}

// appendLevels appends definition levels of width 1 with their length before them.
func appendLevels(dst, defs []byte) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = appendHybrid(dst, defs, 1)
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}

// appendHybrid appends numbers in Parquet's mixture of runs and packed bits: eight
// or more equal ones as a run, others packed in groups of eight.
func appendHybrid[T byte | uint32](dst []byte, v []T, width int) []byte {
	packed := 0 // v[packed:i] are waiting to be packed; whole groups
	for i := 0; i < len(v); {
		run := i + 1
		for run < len(v) && v[run] == v[i] {
			run++
		}
		if run-i < 8 {
			i = min(i+8, len(v))
			continue
		}
		dst = appendPacked(dst, v[packed:i], width)
		dst = binary.AppendUvarint(dst, uint64(run-i)<<1)
		for k := 0; k < width; k += 8 {
			dst = append(dst, byte(uint32(v[i])>>k))
		}
		i, packed = run, run
	}
	return appendPacked(dst, v[packed:], width)
}

func appendPacked[T byte | uint32](dst []byte, v []T, width int) []byte {
	if len(v) == 0 {
		return dst
	}
	groups := (len(v) + 7) / 8
	dst = binary.AppendUvarint(dst, uint64(groups)<<1|1)
	var acc uint64
	have := 0
	for i := range groups * 8 {
		if i < len(v) {
			acc |= uint64(v[i]) << have
		}
		for have += width; have >= 8; have -= 8 {
			dst = append(dst, byte(acc))
			acc >>= 8
		}
	}
	return dst
}

// appendBits packs booleans, lowest bit first.
func appendBits(dst, bools []byte) []byte {
	for len(bools) > 0 {
		var b byte
		for k, v := range bools[:min(8, len(bools))] {
			b |= v << k
		}
		dst = append(dst, b)
		bools = bools[min(8, len(bools)):]
	}
	return dst
}
