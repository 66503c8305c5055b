using Vtpm.Differential.Steps;
using Vtpm.Wire;

namespace Vtpm.Differential.Commands;

/// <summary>NV storage (Part 3 §20), and DIRs (§27.2).</summary>
public static class NonVolatile
{
    public static CommandStep Define(TpmNvDataPublic pubInfo, byte[] secret, SessionUse? auth) =>
        new(TpmOrdinal.NvDefineSpace, $"{pubInfo.NvIndex:x8}, {pubInfo.DataSize} bytes, {pubInfo.Permission.Attributes}{(auth is null ? "" : ", as owner")}")
        {
            Parameters = request =>
            {
                request.Structure(pubInfo);
                request.EncAuth(secret);
            },
            Sessions = auth is null ? [] : [auth],
        };

    public static CommandStep Write(TpmOrdinal ordinal, uint index, uint offset, byte[] data, SessionUse? auth) =>
        new(ordinal, $"{index:x8}, {data.Length} bytes at {offset}{(auth is null ? "" : ", authorized")}")
        {
            Parameters = request =>
            {
                request.UInt32(index);
                request.UInt32(offset);
                request.Sized32(data);
            },
            Sessions = auth is null ? [] : [auth],
        };

    public static CommandStep Read(TpmOrdinal ordinal, uint index, uint offset, uint size, SessionUse? auth) =>
        new(ordinal, $"{index:x8}, {size} bytes at {offset}{(auth is null ? "" : ", authorized")}")
        {
            Parameters = request =>
            {
                request.UInt32(index);
                request.UInt32(offset);
                request.UInt32(size);
            },
            Sessions = auth is null ? [] : [auth],
            Answer = answer => answer.Sized32("data"),
        };

    public static CommandStep DirRead(uint index) => new(TpmOrdinal.DirRead, $"{index}")
    {
        Parameters = request => request.UInt32(index),
        Answer = answer => answer.Exact("dirContents", 20),
    };

    public static CommandStep DirWrite(uint index, byte[] contents, SessionUse auth) => new(TpmOrdinal.DirWriteAuth, $"{index}")
    {
        Parameters = request =>
        {
            request.UInt32(index);
            request.Literal(contents);
        },
        Sessions = [auth],
    };
}
