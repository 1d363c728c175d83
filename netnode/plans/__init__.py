"""Plans as people write them: files of plans, trees and sales, and what comes out. Needs no home and no node."""
