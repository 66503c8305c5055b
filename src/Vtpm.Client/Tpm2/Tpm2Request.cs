using Vtpm.Wire;

namespace Vtpm.Client;

/// <summary>A command of TPM 2.0 under construction: the entities it names, and its parameters in the client's buffer.</summary>
internal ref struct Tpm2Request
{
    private WireWriter _writer;

    public Tpm2Request(Span<byte> buffer, TpmCc command, params ReadOnlySpan<Tpm2Entity> entities)
    {
        Command = command;
        Entities = entities.ToArray();
        _writer = new WireWriter(buffer);
    }

    public TpmCc Command { get; }

    /// <summary>The handles of the command, in their order.</summary>
    public Tpm2Entity[] Entities { get; }

    public readonly ReadOnlySpan<byte> Parameters => _writer.Written;

    public readonly bool IsTooLong => _writer.Result != TpmResult.Success;

    public void UInt8(byte value) => _writer.UInt8(ref value);

    public void UInt16(ushort value) => _writer.UInt16(ref value);

    public void UInt32(uint value) => _writer.UInt32(ref value);

    public void Bytes(scoped ReadOnlySpan<byte> bytes)
    {
        foreach (byte b in bytes) UInt8(b);
    }

    /// <summary>A TPM2B.</summary>
    public void Sized(scoped ReadOnlySpan<byte> bytes)
    {
        UInt16((ushort)bytes.Length);
        Bytes(bytes);
    }

    public void Structure<T>(T value)
        where T : struct, IWireStructure<T> => _writer.Structure(ref value);

    /// <summary>A structure in a TPM2B.</summary>
    public void SizedStructure<T>(T value)
        where T : struct, IWireStructure<T>
    {
        UInt16((ushort)WireFormat.Measure(value));
        Structure(value);
    }
}
