using Vtpm.Wire;

namespace Vtpm.Client;

/// <content>TPM 2.0 Part 3: starting, testing, capabilities, random numbers, contexts.</content>
public sealed partial class Tpm2Client
{
    /// <summary>More of a capability than any TPM has; bounds what a hostile one can make us read.</summary>
    private const int MostValues = 1024;

    /// <summary><c>TPM2_Startup</c>(TPM_SU_CLEAR), Part 3 §9.3.</summary>
    public void Startup()
    {
        Tpm2Request request = Begin(TpmCc.Startup);
        request.UInt16(0);
        Execute(request);
    }

    /// <summary><c>TPM2_SelfTest</c>, Part 3 §10.2, of what was not tested yet.</summary>
    public void SelfTest()
    {
        Tpm2Request request = Begin(TpmCc.SelfTest);
        request.UInt8(0);
        Execute(request);
    }

    /// <summary>A property; 0 where the TPM does not have it.</summary>
    public uint GetProperty(TpmPt property) => GetCapability(TpmCap.TpmProperties, (uint)property, 1, static (ref WireReader reader) =>
    {
        uint[] pair = [UInt32(ref reader), UInt32(ref reader)];
        return pair;
    }).FirstOrDefault(pair => pair[0] == (uint)property)?[1] ?? 0;

    /// <summary>Handles of the range that <paramref name="first"/> begins: what is loaded, or defined, there.</summary>
    public uint[] GetHandles(uint first) => GetCapability(TpmCap.Handles, first, MostValues, static (ref WireReader reader) => UInt32(ref reader));

    /// <summary>Whether there is something that the handle names: an object or an NV index.</summary>
    public bool IsDefined(uint handle) =>
        GetCapability(TpmCap.Handles, handle, 1, static (ref WireReader reader) => UInt32(ref reader)).Contains(handle);

    /// <summary>Whether the TPM has an algorithm.</summary>
    public bool Has(TpmAlgId algorithm) => GetCapability(TpmCap.Algs, (uint)algorithm, 1, static (ref WireReader reader) =>
    {
        var id = (TpmAlgId)UInt16(ref reader);
        UInt32(ref reader);   // its attributes
        return id;
    }).Contains(algorithm);

    /// <summary>Whether the TPM has a curve.</summary>
    public bool Has(TpmEccCurve curve) =>
        GetCapability(TpmCap.EccCurves, (uint)curve, 1, static (ref WireReader reader) => (TpmEccCurve)UInt16(ref reader)).Contains(curve);

    /// <summary>The banks of PCRs that are active, each with its PCRs (bit n for PCR n).</summary>
    public IReadOnlyDictionary<TpmAlgId, uint> GetBanks()
    {
        var banks = new Dictionary<TpmAlgId, uint>();
        foreach (TpmsPcrSelection bank in GetCapability(TpmCap.Pcrs, 0, 1, static (ref WireReader reader) => Structure<TpmsPcrSelection>(ref reader)))
            if (bank.Mask != 0) banks[bank.Hash] = bank.Mask;
        return banks;
    }

    /// <summary><c>TPM2_GetRandom</c>, Part 3 §16.1: as many bytes as were asked for, in as many commands as it takes.</summary>
    public byte[] GetRandom(int length)
    {
        var bytes = new List<byte>(length);
        while (bytes.Count < length)
        {
            Tpm2Request request = Begin(TpmCc.GetRandom);
            request.UInt16((ushort)Math.Min(length - bytes.Count, ushort.MaxValue));
            byte[] some = Execute(request, Sized);
            if (some.Length == 0 || some.Length > length - bytes.Count) throw new Tpm2ProtocolException(TpmCc.GetRandom, $"{some.Length} bytes");
            bytes.AddRange(some);
        }

        return [.. bytes];
    }

    /// <summary><c>TPM2_FlushContext</c>, Part 3 §28.4, of a session or a transient object.</summary>
    public void FlushContext(uint handle)
    {
        Tpm2Request request = Begin(TpmCc.FlushContext);
        request.UInt32(handle);
        Execute(request);
    }

    private static ushort UInt16(ref WireReader reader)
    {
        ushort value = 0;
        reader.UInt16(ref value);
        return value;
    }

    private static uint UInt32(ref WireReader reader)
    {
        uint value = 0;
        reader.UInt32(ref value);
        return value;
    }

    /// <summary>
    /// <c>TPM2_GetCapability</c>, Part 3 §30.2: one piece of a list. What the TPM has more of in another piece nobody here needs: lists of handles
    /// are
    /// asked for anew once those that were listed are flushed.
    /// </summary>
    private T[] GetCapability<T>(TpmCap capability, uint property, int count, ReadItem<T> read)
    {
        Tpm2Request request = Begin(TpmCc.GetCapability);
        request.UInt32((uint)capability);
        request.UInt32(property);
        request.UInt32((uint)count);
        return Execute(request, (uint _, ref WireReader reader) =>
        {
            bool moreData = false;
            reader.Bool(ref moreData);
            if (UInt32(ref reader) != (uint)capability) reader.Fault(TpmResult.BadParameter);
            uint items = UInt32(ref reader);
            if (items > MostValues) reader.Fault(TpmResult.BadParamSize);
            var values = new List<T>();
            for (uint i = 0; i < items && reader.Result == TpmResult.Success; i++) values.Add(read(ref reader));
            return values.ToArray();
        });
    }

    private delegate T ReadItem<out T>(ref WireReader reader);
}
