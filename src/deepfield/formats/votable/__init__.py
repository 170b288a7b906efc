"""VOTable 1.4 and 1.5, written as TABLEDATA, BINARY or BINARY2, and read from 1.0 on."""
