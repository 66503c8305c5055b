using Vtpm.Wire;

namespace Vtpm.Engine;

/// <summary>
/// <c>TPM_FAMILY_TABLE</c> and <c>TPM_DELEGATE_TABLE</c>, Part 2 §20.6 and §20.10: the families of delegations, and the owner delegations that are
/// kept inside. Immutable.
/// </summary>
public sealed class DelegationTables
{
    /// <summary>Families at a time: TPM_CAP_PROP_FAMILYROWS.</summary>
    public const int FamilyRows = TpmDefines.NumFamilyTableEntryMin;

    /// <summary>Rows of the delegate table: TPM_CAP_PROP_DELEGATE_ROW.</summary>
    public const int DelegateRows = TpmDefines.NumDelegateTableEntryMin;

    private readonly TpmFamilyTableEntry[] _families;
    private readonly DelegateRow?[] _rows;

    private DelegationTables(TpmFamilyTableEntry[] families, DelegateRow?[] rows)
    {
        _families = families;
        _rows = rows;
    }

    public static DelegationTables Empty { get; } = new([], new DelegateRow?[DelegateRows]);

    /// <summary>The families that there are, in the order of their creation.</summary>
    public ReadOnlySpan<TpmFamilyTableEntry> Families => _families;

    /// <summary>The delegate table by index; null where no delegation is loaded.</summary>
    public ReadOnlySpan<DelegateRow?> Rows => _rows;

    /// <exception cref="ArgumentException">More rows than the tables have.</exception>
    public static DelegationTables Of(IEnumerable<TpmFamilyTableEntry> families, IEnumerable<DelegateRow?> rows)
    {
        TpmFamilyTableEntry[] familyRows = [.. families];
        DelegateRow?[] delegateRows = [.. rows];
        if (familyRows.Length > FamilyRows || delegateRows.Length > DelegateRows)
            throw new ArgumentException($"the tables have {FamilyRows} families and {DelegateRows} delegate rows");
        Array.Resize(ref delegateRows, DelegateRows);
        return new DelegationTables(familyRows, delegateRows);
    }

    public bool TryFindFamily(uint familyId, out TpmFamilyTableEntry family)
    {
        int row = Array.FindIndex(_families, entry => entry.FamilyId == familyId);
        family = row < 0 ? default : _families[row];
        return row >= 0;
    }

    public DelegateRow? FindRow(uint index) => index < DelegateRows ? _rows[index] : null;

    /// <summary>Adds a family, or puts it in the place of the one with its id. There must be room for it.</summary>
    public DelegationTables With(TpmFamilyTableEntry family) => TryFindFamily(family.FamilyId, out _)
        ? new DelegationTables(Array.ConvertAll(_families, entry => entry.FamilyId == family.FamilyId ? family : entry), _rows)
        : Of([.. _families, family], _rows);

    /// <summary>Drops a family and the delegations of it that are loaded.</summary>
    public DelegationTables WithoutFamily(uint familyId) => new(
        Array.FindAll(_families, entry => entry.FamilyId != familyId),
        Array.ConvertAll(_rows, row => row?.Pub.FamilyId == familyId ? null : row));

    public DelegationTables WithRow(uint index, DelegateRow row)
    {
        DelegateRow?[] rows = [.. _rows];
        rows[index] = row;
        return new DelegationTables(_families, rows);
    }
}

/// <summary><c>TPM_DELEGATE_TABLE_ROW</c>, Part 2 §20.9: an owner delegation that is loaded.</summary>
public sealed class DelegateRow(TpmDelegatePublic pub, Secret authValue)
{
    public TpmDelegatePublic Pub => pub;

    public Secret AuthValue => authValue;
}
