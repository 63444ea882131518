// Package sound measures the sound of segments, chooses whose sound is heard where and how loud it
// becomes, and mixes it.
//
// Sources are measured in blocks of a tenth of a second ([timeline.Block]). A source is measured only when
// the choice depends on it.
package sound
