using System.Buffers.Binary;
using Vtpm.Client;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.Bench;

/// <summary>One owned TPM with what the operations need: a signing key, a sealed blob, an NV area.</summary>
internal sealed class Workbench : IDisposable
{
    public const int DataSize = 64;
    public const uint NvIndex = 0x00011100;

    private readonly byte[] _response = new byte[TpmMessage.MaxLength];

    public Workbench(Peer peer, string stateOn)
    {
        Tpm = new TpmProcess(peer, stateOn);
        Tpm.Start();
        Tpm.MakeReady();
        Tpm.TakeOwnership();
        using (TpmSession srk = Client.Osap(TpmEntityType.Srk, TpmKeyHandle.Srk, WellKnown))
            SigningKey = Client.CreateWrapKey(TpmKeyHandle.Srk, srk, WellKnown, WellKnown, TpmKeys.Signing(TpmKeyFlags.None));
        using (TpmSession srk = Client.Oiap(WellKnown)) SigningKeyHandle = Client.LoadKey2(TpmKeyHandle.Srk, srk, SigningKey);
        using (TpmSession srk = Client.Osap(TpmEntityType.Srk, TpmKeyHandle.Srk, WellKnown))
            Sealed = Client.Seal(TpmKeyHandle.Srk, srk, WellKnown, [], Data);
        DefineNvArea();
    }

    public TpmProcess Tpm { get; }

    public TpmClient Client => Tpm.Client;

    public TpmSecret WellKnown { get; } = TpmSecret.WellKnown();

    public TpmKey SigningKey { get; }

    public uint SigningKeyHandle { get; }

    public TpmStoredData Sealed { get; }

    public byte[] Data { get; } = [.. Enumerable.Range(0, DataSize).Select(i => (byte)i)];

    /// <summary>A whole command without authorization.</summary>
    public static byte[] Command(TpmOrdinal ordinal, ReadOnlySpan<byte> body)
    {
        var header = new TpmHeader { Tag = TpmTag.RquCommand, ParamSize = (uint)(TpmHeader.Size + body.Length), Code = (uint)ordinal };
        return [.. WireFormat.ToBytes(header), .. body];
    }

    /// <summary>Big-endian numbers, as the wire has them.</summary>
    public static byte[] Numbers(params ReadOnlySpan<uint> numbers)
    {
        byte[] bytes = new byte[sizeof(uint) * numbers.Length];
        for (int i = 0; i < numbers.Length; i++) BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(sizeof(uint) * i), numbers[i]);
        return bytes;
    }

    /// <returns>The response, until the next command.</returns>
    public ReadOnlySpan<byte> Send(byte[] request)
    {
        int length = Client.Transmit(request, _response, out TpmResult result);
        if (result != TpmResult.Success) throw new BenchException($"{(TpmOrdinal)BinaryPrimitives.ReadUInt32BigEndian(request.AsSpan(6))} was answered {result}");
        return _response.AsSpan(0, length);
    }

    public void Dispose()
    {
        WellKnown.Dispose();
        Tpm.Dispose();
    }

    private void DefineNvArea()
    {
        // TPM_LOC_SELECTION: all localities.
        var anybody = new TpmPcrInfoShort { PcrSelection = TpmPcrSelection.Of(), LocalityAtRelease = (TpmLocalitySelection)0x1F };
        var area = new TpmNvDataPublic
        {
            NvIndex = NvIndex,
            PcrInfoRead = anybody,
            PcrInfoWrite = anybody,
            Permission = new TpmNvAttributes { Attributes = TpmNvPermission.OwnerWrite },
            DataSize = DataSize,
        };
        // Until nvLocked is set no authorization is needed (Part 3 §20.1), so that what is compared is the write.
        Send(Command(TpmOrdinal.NvDefineSpace, [.. WireFormat.ToBytes(area), .. new byte[TpmAuthData.Size]]));
    }
}
