using System.Buffers.Binary;
using Vtpm.Wire;
using static Vtpm.Wire.TpmResult;

namespace Vtpm.Engine.Commands.Delegation;

public struct DelegateReadTableResponse : IWireStructure<DelegateReadTableResponse>
{
    /// <summary>A TPM_FAMILY_TABLE_ENTRY after the other.</summary>
    public ReadOnlyMemory<byte> FamilyTable;

    /// <summary>A TPM_DELEGATE_INDEX with its TPM_DELEGATE_PUBLIC after the other.</summary>
    public ReadOnlyMemory<byte> DelegateTable;

    public static void Describe<TCodec>(ref TCodec wire, ref DelegateReadTableResponse value)
        where TCodec : struct, IWireCodec, allows ref struct
    {
        wire.Sized32(ref value.FamilyTable);
        wire.Sized32(ref value.DelegateTable);
    }
}

/// <summary><c>TPM_Delegate_ReadTable</c>, Part 3 §19.5: all that is public in the family table and the delegate table; anybody may ask.</summary>
public sealed class DelegateReadTable()
    : TpmCommand<NoParameters, DelegateReadTableResponse>(TpmOrdinal.DelegateReadTable, Sessions.None, Availability.NoOwner, Duration.Short)
{
    protected override TpmResult Execute(CommandContext tpm, in NoParameters request, ref DelegateReadTableResponse response)
    {
        DelegationTables tables = tpm.Permanent.Delegation;
        List<byte> families = [];
        foreach (TpmFamilyTableEntry family in tables.Families) families.AddRange(WireFormat.ToBytes(family));
        List<byte> rows = [];
        Span<byte> index = stackalloc byte[sizeof(uint)];
        for (int i = 0; i < tables.Rows.Length; i++)
        {
            if (tables.Rows[i] is not { } row) continue;
            BinaryPrimitives.WriteInt32BigEndian(index, i);
            rows.AddRange(index);
            rows.AddRange(WireFormat.ToBytes(row.Pub));
        }

        (response.FamilyTable, response.DelegateTable) = (families.ToArray(), rows.ToArray());
        return Success;
    }
}
