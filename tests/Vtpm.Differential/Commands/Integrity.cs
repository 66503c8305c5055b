using System.Security.Cryptography;
using Vtpm.Differential.Steps;
using Vtpm.Wire;

namespace Vtpm.Differential.Commands;

/// <summary>PCRs (Part 3 §16), random numbers and hashes (§13), ticks (§23), counters (§25).</summary>
public static class Integrity
{
    public static CommandStep Extend(uint pcr, byte[] digest) => new(TpmOrdinal.Extend, $"PCR {pcr}")
    {
        Parameters = request =>
        {
            request.UInt32(pcr);
            request.Literal(digest);
        },
        Answer = answer => answer.Exact("outDigest", 20),
    };

    public static CommandStep PcrRead(uint pcr) => new(TpmOrdinal.PcrRead, $"PCR {pcr}")
    {
        Parameters = request => request.UInt32(pcr),
        Answer = answer => answer.Exact($"PCR {pcr}", 20),
    };

    public static CommandStep PcrReset(byte[] select) => new(TpmOrdinal.PcrReset, Convert.ToHexStringLower(select))
    {
        Parameters = request =>
        {
            request.UInt16(select.Length);
            request.Literal(select);
        },
    };

    public static CommandStep Quote(int key, byte[] externalData, byte[] select, SessionUse? auth) =>
        new(TpmOrdinal.Quote, $"{Convert.ToHexStringLower(select)} with {Keys.Name(key)}")
    {
        Handles = request => request.Key(key),
        Parameters = request =>
        {
            request.Literal(externalData);
            request.UInt16(select.Length);
            request.Literal(select);
        },
        Sessions = auth is null ? [] : [auth],
        Answer = answer =>
        {
            int size = answer.UInt16("pcrData.select.sizeOfSelect");
            answer.Exact("pcrData.select.pcrSelect", size);
            answer.Sized32("pcrData.pcrValue");
            Keys.Signature(answer, key);
        },
    };

    public static CommandStep Quote2(int key, byte[] externalData, byte[] select, bool addVersion, SessionUse? auth) =>
        new(TpmOrdinal.Quote2, $"{Convert.ToHexStringLower(select)} with {Keys.Name(key)}{(addVersion ? " and version" : "")}")
        {
            Handles = request => request.Key(key),
            Parameters = request =>
            {
                request.Literal(externalData);
                request.UInt16(select.Length);
                request.Literal(select);
                request.UInt8(addVersion ? 1 : 0);
            },
            Sessions = auth is null ? [] : [auth],
            Answer = answer =>
            {
                int size = answer.UInt16("pcrData.pcrSelection.sizeOfSelect");
                answer.Exact("pcrData.pcrSelection.pcrSelect", size);
                answer.UInt8("pcrData.localityAtRelease");
                answer.Exact("pcrData.digestAtRelease", 20);
                // The version names the maker, and is signed, too.
                answer.VendorSized32("versionInfo");
                if (addVersion) answer.OwnSized32("sig");
                else Keys.Signature(answer, key);
            },
        };

    public static CommandStep GetRandom(uint count) => new(TpmOrdinal.GetRandom, $"{count} bytes")
    {
        Parameters = request => request.UInt32(count),
        Answer = answer => answer.OwnSized32("randomBytes"),
    };

    public static CommandStep StirRandom(byte[] data) => new(TpmOrdinal.StirRandom, $"{data.Length} bytes") { Parameters = request => request.Sized32(data) };

    public static CommandStep Sha1Start() => new(TpmOrdinal.Sha1Start) { Answer = answer => answer.UInt32("maxNumBytes") };

    public static CommandStep Sha1Update(byte[] data) => new(TpmOrdinal.Sha1Update, $"{data.Length} bytes") { Parameters = request => request.Sized32(data) };

    public static CommandStep Sha1Complete(byte[] data) => new(TpmOrdinal.Sha1Complete, $"{data.Length} bytes")
    {
        Parameters = request => request.Sized32(data),
        Answer = answer => answer.Exact("hashValue", 20),
    };

    public static CommandStep Sha1CompleteExtend(uint pcr, byte[] data) => new(TpmOrdinal.Sha1CompleteExtend, $"{data.Length} bytes, PCR {pcr}")
    {
        Parameters = request =>
        {
            request.UInt32(pcr);
            request.Sized32(data);
        },
        Answer = answer =>
        {
            answer.Exact("hashValue", 20);
            answer.Exact("outDigest", 20);
        },
    };

    public static CommandStep GetTicks() => new(TpmOrdinal.GetTicks) { Answer = Ticks };

    public static CommandStep TickStamp(int key, byte[] antiReplay, SessionUse? auth) => new(TpmOrdinal.TickStampBlob, $"with {Keys.Name(key)}")
    {
        Handles = request => request.Key(key),
        Parameters = request =>
        {
            request.Literal(antiReplay);
            request.Literal(SHA1.HashData(antiReplay));
        },
        Sessions = auth is null ? [] : [auth],
        Answer = answer =>
        {
            Ticks(answer);
            answer.OwnSized32("sig");
        },
    };

    public static CommandStep CreateCounter(int counter, byte[] label, byte[] secret, SessionUse auth) => new(TpmOrdinal.CreateCounter, $"→ counter {counter}")
    {
        Parameters = request =>
        {
            request.EncAuth(secret);
            request.Literal(label);
        },
        Sessions = [auth],
        Answer = answer =>
        {
            answer.Memory.Counters[counter] = answer.OwnHandle("countID");
            CounterValue(answer);
        },
    };

    public static CommandStep IncrementCounter(int counter, SessionUse auth) => OfCounter(TpmOrdinal.IncrementCounter, counter, CounterValue, auth);

    public static CommandStep ReadCounter(int counter) => OfCounter(TpmOrdinal.ReadCounter, counter, CounterValue);

    public static CommandStep ReleaseCounter(int counter, SessionUse auth) => OfCounter(TpmOrdinal.ReleaseCounter, counter, null, auth);

    public static CommandStep ReleaseCounterOwner(int counter, SessionUse auth) => OfCounter(TpmOrdinal.ReleaseCounterOwner, counter, null, auth);

    private static CommandStep OfCounter(TpmOrdinal ordinal, int counter, Action<ResponseReader>? answer, params SessionUse[] auths) => new(ordinal, $"counter {counter}")
    {
        Parameters = request => request.OwnHandle(request.Memory.CounterHandle(counter)),
        Sessions = auths,
        Answer = answer,
    };

    private static void CounterValue(ResponseReader answer)
    {
        answer.UInt16("counterValue.tag");
        answer.Exact("counterValue.label", 4);
        answer.UInt32("counterValue.counter");
    }

    public static void Ticks(ResponseReader answer)
    {
        answer.UInt16("currentTicks.tag");
        answer.Own("currentTicks.currentTicks", 8);
        answer.Vendor("currentTicks.tickRate", 2);
        answer.Recurring("currentTicks.tickNonce", 20);
    }
}
